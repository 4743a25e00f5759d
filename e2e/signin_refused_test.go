package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// strangeTokens are no users; some databases choke on some of them.
var strangeTokens = map[string]string{
	"unknown":       "nobody",
	"NUL":           "admin\x00",
	"invalid UTF-8": "admin\xff\xfe",
	"10 kB":         strings.Repeat("a", 10_000),
	"quote":         "admin'--",
	"double quote":  `admin"`,
	"backslash":     `admin\`,
	"wildcard":      "adm%n",
	"line break":    "admin\r\nx",
	"emoji":         "admin😀",
	"accent":        "ádmin", // the same as admin to some collations
	"id":            "1",
}

func TestSignIn_Refused(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		for name, token := range strangeTokens {
			for method, r := range signInEveryWay(app.Client(t), token) {
				if r.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s by %s: %d, want 401\n%s", name, method, r.StatusCode, r.Body)
				}
				wantNoNewCookie(t, r)
			}
		}
		for _, token := range []string{"", "  ", "\t"} {
			for method, r := range signInEveryWay(app.Client(t), token) {
				if r.StatusCode != http.StatusBadRequest {
					t.Errorf("%q by %s: %d, want 400\n%s", token, method, r.StatusCode, r.Body)
				}
			}
		}
		if n := countSessions(t, app); n != 0 {
			t.Errorf("%d sessions, want none", n)
		}
	})
}

func signInEveryWay(client *testapp.Client, token string) map[string]*testapp.Response {
	form := url.Values{"token": {token}}
	return map[string]*testapp.Response{
		"GET":  client.JSON(http.MethodGet, "/auth/bypass?"+form.Encode(), nil),
		"form": client.Do(http.MethodPost, "/auth/bypass", testapp.Form(form)),
		"JSON": client.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": token}),
	}
}

// TestSignIn_BadBody sends what cannot be read.
func TestSignIn_BadBody(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	for _, body := range []string{"", "{", "[]", "null", `{"token":`, `{"token":1}`, `{"token":["admin"]}`, `{"token":null}`, `"admin"`, "{}", "\x00"} {
		r := client.Do(http.MethodPost, "/auth/bypass", testapp.Body("application/json", body))
		if r.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d, want 400\n%s", body, r.StatusCode, r.Body)
		}
	}
	for _, contentType := range []string{"multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "application/xml", ";;;"} {
		r := client.Do(http.MethodPost, "/auth/bypass", testapp.Body(contentType, "token=admin"))
		if r.StatusCode != http.StatusBadRequest && r.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d, want 400 or 415\n%s", contentType, r.StatusCode, r.Body)
		}
	}
	wantStatus(t, client.Do(http.MethodPost, "/auth/bypass"), http.StatusBadRequest)
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d sessions, want none", n)
	}
}
