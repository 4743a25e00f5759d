package sessionmw_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestCSRF(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	const post, get = http.MethodPost, http.MethodGet
	for _, test := range []struct {
		name    string
		method  string
		headers []string
		want    int
	}{
		{"NotABrowser", post, nil, 200},
		{"SameOrigin", post, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"AddressBar", post, []string{"Sec-Fetch-Site", "none"}, 200},
		{"CrossSite", post, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"SameSite", post, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"CrossSiteWithOwnOrigin", post, []string{"Sec-Fetch-Site", "cross-site", "Origin", s.server.URL}, 403},
		{"SameOriginBehindProxy", post, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://public.example"}, 200},
		{"OldBrowser", post, []string{"Origin", s.server.URL}, 200},
		{"OldBrowserCrossSite", post, []string{"Origin", "https://evil.example"}, 403},
		{"OpaqueOrigin", post, []string{"Origin", "null"}, 403},
		{"CrossSiteLink", get, []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := map[string]string{post: "/set/cart/3", get: "/get/cart"}[test.method]
			s.browser(t).send(t, test.method, path, test.headers...).wantStatus(t, test.want)
		})
	}
}

func TestCSRF_InTest(t *testing.T) {
	s := newSite(t, testdb.SQLite, func(o *buffalo.Options) { o.Env = "test" })
	ada := s.browser(t)
	ada.send(t, http.MethodPost, "/set/cart/3", "Sec-Fetch-Site", "cross-site").wantStatus(t, http.StatusForbidden)
	ada.post(t, "/set/cart/3").wantStatus(t, http.StatusOK)
}

func TestCSRF_Skip(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	callback := func(c buffalo.Context) error { return c.Render(http.StatusOK, text("called")) }
	other := func(c buffalo.Context) error { return c.Render(http.StatusOK, text("other")) }
	s.app.Middleware.Skip(sessionmw.CSRF, callback)
	s.app.POST("/callback", callback)
	s.app.POST("/other", other)
	provider := []string{"Sec-Fetch-Site", "cross-site"}
	s.browser(t).send(t, http.MethodPost, "/callback", provider...).wantStatus(t, http.StatusOK)
	s.browser(t).send(t, http.MethodPost, "/other", provider...).wantStatus(t, http.StatusForbidden)
}

// Templates can read the token without creating a session.
func TestCSRF_Token(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.app.GET("/form", func(c buffalo.Context) error {
		token, ok := c.Value("authenticity_token").(string)
		return c.Render(http.StatusOK, text("%t %s", ok, token))
	})
	got := s.browser(t).get(t, "/form")
	if token, ok := strings.CutPrefix(got.body, "true "); !ok || token == "" {
		t.Errorf("token %q", got.body)
	}
	if n := s.rows(t); n > 0 || len(got.Cookies()) > 0 {
		t.Errorf("%d rows, cookies %v", n, got.Cookies())
	}
}
