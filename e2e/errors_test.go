package e2e

import (
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// errorRequest is a request that fails, and the status it gets.
type errorRequest struct {
	method, path string
	status       int
	options      []testapp.RequestOption
}

var (
	evilOrigin = testapp.Header("Origin", "https://evil.example")
	evilFetch  = testapp.Header("Sec-Fetch-Site", "cross-site")
	crossSite  = []testapp.RequestOption{evilOrigin, evilFetch}
)

var errorRequests = map[string]errorRequest{
	"missing":         {http.MethodGet, "/missing", 404, nil},
	"missing file":    {http.MethodGet, "/assets/gone.css", 404, nil},
	"POST missing":    {http.MethodPost, "/missing", 404, nil},
	"wrong method":    {http.MethodPut, "/session", 405, nil},
	"unknown method":  {"FROBNICATE", "/session", 405, nil},
	"anonymous":       {http.MethodGet, "/session", 401, nil},
	"no token":        {http.MethodGet, "/auth/bypass", 400, nil},
	"unknown user":    {http.MethodGet, "/auth/bypass?token=unknown", 401, nil},
	"cross-site":      {http.MethodPost, "/auth/bypass?token=admin", 403, crossSite},
	"bad escape":      {http.MethodGet, "/missing%00", 404, nil},
	"long path":       {http.MethodGet, "/" + strings.Repeat("a", 8000), 404, nil},
	"bad query":       {http.MethodGet, "/missing?%zz=;&=", 404, nil},
	"override to PUT": {http.MethodPost, "/session", 405, []testapp.RequestOption{testapp.Form(url.Values{"_method": {"PUT"}})}},
	"plain POST":      {http.MethodPost, "/session", 405, nil},
	"query override":  {http.MethodPost, "/session?_method=DELETE", 405, nil},
	"POST callback":   {http.MethodPost, "/auth/a%00b%25/callback", 404, nil},
	"GET override":    {http.MethodGet, "/session?_method=DELETE", 401, nil},
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"test", "staging", "development"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			client := testapp.Start(t, testapp.Options{Env: env}).Client(t)
			for what, f := range errorRequests {
				t.Run(what, func(t *testing.T) {
					for accept, wantShape := range map[string]func(*testing.T, *testapp.Response){
						"application/json":            wantProblem,
						"application/problem+json":    wantProblem,
						"*/*":                         wantProblem,
						"":                            wantProblem,
						"text/html,*/*;q=0.8":         wantPage,
						"image/png, image/*;q=0.5":    wantProblem,
						"this is not a list of types": wantProblem,
					} {
						r := client.Do(f.method, f.path, slices.Concat(f.options, []testapp.RequestOption{testapp.Header("Accept", accept)})...)
						wantStatus(t, r, f.status)
						wantShape(t, r)
						wantNothingInternal(t, r)
						wantNoNewCookie(t, r)
					}
				})
			}
		})
	}
}

const twoMiB = 2 << 20

// A body larger than any form of the app is refused.
func TestErrors_TooLarge(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	big := strings.Repeat("a", twoMiB)
	inJSON, err := json.Marshal(map[string]string{"token": big})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"token": {big}}.Encode()
	parts, boundary := multipartForm(t, "token", big)
	for what, body := range map[string]testapp.RequestOption{
		"JSON":         testapp.Body("application/json", string(inJSON)),
		"form":         testapp.Body("application/x-www-form-urlencoded", form),
		"chunked form": chunked(testapp.Body("application/x-www-form-urlencoded", form)),
		"late token":   testapp.Body("application/x-www-form-urlencoded", "token=admin&more="+big),
		"multipart":    testapp.Body(boundary, parts),
	} {
		t.Run(what, func(t *testing.T) {
			r := app.Client(t).Do(http.MethodPost, "/auth/bypass", body, testapp.Header("Accept", "application/json"))
			wantStatus(t, r, http.StatusRequestEntityTooLarge)
			wantProblem(t, r)
		})
	}
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d sessions, want 0", n)
	}
}

// chunked sends a body without Content-Length.
func chunked(body testapp.RequestOption) testapp.RequestOption {
	return func(r *http.Request) {
		body(r)
		r.ContentLength = -1
	}
}

func multipartForm(t *testing.T, name, value string) (content, contentType string) {
	t.Helper()
	var text strings.Builder
	w := multipart.NewWriter(&text)
	if err := w.WriteField(name, value); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String(), w.FormDataContentType()
}

// Requests from other sites that would change something are refused (ASVS 5.0 3.5.1).
func TestErrors_CrossOrigin(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	for what, headers := range map[string][]testapp.RequestOption{
		"both":           crossSite,
		"origin":         {evilOrigin},
		"fetch metadata": {evilFetch},
		"same-site":      {testapp.Header("Sec-Fetch-Site", "same-site")},
		"origin null":    {testapp.Header("Origin", "null")},
		"other port":     {testapp.Header("Origin", "http://127.0.0.1:1")},
		"other scheme":   {testapp.Header("Origin", strings.Replace(app.URL, "http:", "https:", 1)), testapp.Header("Sec-Fetch-Site", "same-site")},
		"false metadata": {evilOrigin, testapp.Header("Sec-Fetch-Site", "none, cross-site")},
	} {
		t.Run(what, func(t *testing.T) {
			signIn := []testapp.RequestOption{testapp.Form(url.Values{"token": {"admin"}})}
			signOut := []testapp.RequestOption{testapp.Form(url.Values{"_method": {"DELETE"}})}
			anonymous := app.Client(t)
			wantStatus(t, anonymous.Do(http.MethodPost, "/auth/bypass", slices.Concat(headers, signIn)...), http.StatusForbidden)
			wantAnonymous(t, anonymous)

			client := app.Client(t)
			client.SignIn("user")
			wantStatus(t, client.Do(http.MethodPost, "/session", slices.Concat(headers, signOut)...), http.StatusForbidden)
			wantStatus(t, client.Do(http.MethodDelete, "/session", headers...), http.StatusForbidden)
			wantSignedIn(t, client, "user")
		})
	}
	r := app.Client(t).Do(http.MethodPost, "/auth/bypass", testapp.Header("Origin", app.URL), testapp.Header("Sec-Fetch-Site", "same-origin"), testapp.Form(url.Values{"token": {"admin"}}))
	wantStatus(t, r, http.StatusOK)
}

// No path redirects a browser to another site (ASVS 5.0 3.7.2).
func TestErrors_Redirects(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	client.SignIn("admin")
	for _, path := range []string{
		"//evil.example", "//evil.example/..", "/%2fevil.example", "/%5cevil.example", "/\\evil.example", "///evil.example/%2e%2e",
		"/./%2fevil.example/", "//evil.example/assets/", "/assets//evil.example", "/session//evil.example/", "/.//evil.example",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			r := client.HTML(method, path, nil)
			to := r.Header.Get("Location")
			if to != "" && !regexp.MustCompile(`^/([^/\\]|$)`).MatchString(to) {
				t.Errorf("%s %s = %d, Location %q; want a path of the app", method, path, r.StatusCode, to)
			}
			if r.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s %s = %d, want less than 500", method, path, r.StatusCode)
			}
		}
	}
	for _, form := range []url.Values{{"return_to": {"//evil.example"}}, {"next": {"https://evil.example"}}} {
		form.Set("token", "admin")
		if to := client.HTML(http.MethodPost, "/auth/bypass", form).Header.Get("Location"); to != "/" {
			t.Errorf("POST /auth/bypass with %v: Location %q, want %q", form, to, "/")
		}
	}
}

// Responses do not reveal the cause of a database error.
func TestErrors_Internal(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := app.Client(t)
		client.SignIn("admin")
		for _, table := range []string{"users", "sessions"} {
			execute(t, app, "ALTER TABLE "+table+" RENAME TO gone_"+table)
			for what, r := range map[string]*testapp.Response{
				"session":       client.JSON(http.MethodGet, "/session", nil),
				"session page":  client.HTML(http.MethodGet, "/session", nil),
				"missing page":  client.HTML(http.MethodGet, "/missing", nil),
				"sign in":       app.Client(t).JSON(http.MethodGet, "/auth/bypass?token=admin", nil),
				"sign in, page": app.Client(t).HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"admin"}}),
				"sign out":      client.JSON(http.MethodDelete, "/session", nil),
			} {
				t.Run(table+" "+what, func(t *testing.T) {
					wantNothingInternal(t, r)
					if r.StatusCode == http.StatusOK || r.StatusCode == http.StatusUnauthorized || len(r.Cookies()) > 0 {
						t.Errorf("%s %s = %d with %d cookies, want an error without cookies", r.Request.Method, r.Request.URL.Path, r.StatusCode, len(r.Cookies()))
					}
				})
			}
			execute(t, app, "ALTER TABLE gone_"+table+" RENAME TO "+table)
		}
		wantSignedIn(t, client, "admin")
	})
}

// A 405 lists the allowed methods (RFC 9110, 15.5.6).
func TestErrors_Allow(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	for path, want := range map[string]string{"/session": "GET, DELETE", "/auth/bypass": "GET, POST", "/signin": "GET"} {
		r := client.JSON(http.MethodPut, path, nil)
		wantStatus(t, r, http.StatusMethodNotAllowed)
		if got := r.Header.Get("Allow"); got != want {
			t.Errorf("PUT %s: Allow = %q, want %q", path, got, want)
		}
	}
}

// An error page links back to the page with the form. It links to the home page if the form
// was on another site, or if a page was not found.
func TestErrors_BackLink(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	client.SignIn("admin")
	html := testapp.Header("Accept", "text/html")
	for _, c := range []struct {
		name, method, path, referer, back string
	}{
		{"Form", http.MethodDelete, "/identities/x", app.URL + "/account?notice=linked", "/account"},
		{"OtherSite", http.MethodDelete, "/identities/x", "https://evil.example/account", "/"},
		{"NoReferer", http.MethodDelete, "/identities/x", "", "/"},
		{"MissingPage", http.MethodGet, "/missing", app.URL + "/account", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := client.Do(c.method, c.path, html, testapp.Header("Referer", c.referer))
			wantStatus(t, r, http.StatusNotFound)
			if !strings.Contains(r.Body, `<a class="button" href="`+c.back+`">`) {
				t.Errorf("the page has no button to %s:\n%s", c.back, r.Body)
			}
		})
	}
}
