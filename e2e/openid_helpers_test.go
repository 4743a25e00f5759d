package e2e

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// openID is the provider's path in the tests.
const openID = "/auth/openid-connect"

var authRequestID = regexp.MustCompile(`name="id" value="([^"]*)"`)

// withRealProvider starts an app and a provider that know each other.
func withRealProvider(t *testing.T, engine testdb.Engine, extra ...string) *testapp.App {
	t.Helper()
	port := testapp.FreePort(t)
	provider := testoidc.StartReal(t, "http://127.0.0.1:"+port, "openid-connect")
	return testapp.Start(t, testapp.Options{Engine: engine, Extra: append(append(provider.Env(), "PORT="+port), extra...)})
}

// leave starts a sign-in and returns where the browser is sent.
func leave(t *testing.T, client *testapp.Client, path string, form url.Values) string {
	t.Helper()
	r := client.HTML(http.MethodPost, path, form)
	wantStatus(t, r, http.StatusOK)
	_, target, found := strings.Cut(r.Header.Get("Refresh"), "url=")
	if !found {
		t.Fatalf("POST %s sends the browser nowhere: %v", path, r.Header)
	}
	return target
}

// passLogin goes through the provider's login form, and returns the address of
// ours, without the host, where that ends.
func passLogin(t *testing.T, app *testapp.App, target string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back string
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if path, ours := strings.CutPrefix(r.URL.String(), app.URL); ours {
			back = path
			return http.ErrUseLastResponse
		}
		return nil
	}}
	visit := func(r *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	page := visit(browser.Get(target))
	if back != "" {
		return back
	}
	id := authRequestID.FindStringSubmatch(page)
	if id == nil {
		t.Fatalf("the provider shows no login form:\n%s", page)
	}
	base, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	page = visit(browser.PostForm(base.Scheme+"://"+base.Host+"/login/username", url.Values{
		"id": {html.UnescapeString(id[1])}, "username": {testoidc.Username}, "password": {testoidc.Password},
	}))
	if back == "" {
		t.Fatalf("the provider sends nobody back:\n%s", page)
	}
	return back
}

// signInVia signs a browser in through a provider's login form.
func signInVia(t *testing.T, app *testapp.App, client *testapp.Client, form url.Values) *testapp.Response {
	t.Helper()
	back := passLogin(t, app, leave(t, client, openID, form))
	r := client.HTML(http.MethodGet, back, nil)
	wantStatus(t, r, http.StatusSeeOther)
	return r
}

// withHostileProviders starts an app with two providers, evil and other.
func withHostileProviders(t *testing.T) (app *testapp.App, evil, other *testoidc.Fake) {
	t.Helper()
	evil, other = testoidc.StartFake(t), testoidc.StartFake(t)
	app = testapp.Start(t, testapp.Options{Engine: testdb.SQLite, Extra: []string{
		"OPENID_CONNECT_EVIL_KEY=app", "OPENID_CONNECT_EVIL_SECRET=s3cret-of-the-client", "OPENID_CONNECT_EVIL_DISCOVERY_URL=" + evil.URL, "OPENID_CONNECT_EVIL_LABEL=Evil",
		"OPENID_CONNECT_OTHER_KEY=app", "OPENID_CONNECT_OTHER_SECRET=s3cret-of-the-client", "OPENID_CONNECT_OTHER_DISCOVERY_URL=" + other.URL,
	}})
	return app, evil, other
}

// answer lets the provider answer an attempt at once and returns the path to which
// it sends the browser.
func answer(t *testing.T, app *testapp.App, target string) string {
	t.Helper()
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stop.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	back, ours := strings.CutPrefix(r.Header.Get("Location"), app.URL)
	if !ours {
		t.Fatalf("the provider sends the browser to %q", r.Header.Get("Location"))
	}
	return back
}

// tryEvil signs in at the provider evil and returns the app's answer.
func tryEvil(t *testing.T, app *testapp.App, client *testapp.Client) *testapp.Response {
	t.Helper()
	return client.HTML(http.MethodGet, answer(t, app, leave(t, client, "/auth/evil", nil)), nil)
}

func set(name string, value any) func(testoidc.Claims) {
	return func(claims testoidc.Claims) { claims[name] = value }
}
