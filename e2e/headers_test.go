package e2e

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"test", "staging", "production"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			app := testapp.Start(t, testapp.Options{Env: env})
			for what, r := range everyKind(t, app) {
				t.Run(what, func(t *testing.T) {
					wantSecurityHeaders(t, r, env != "test")
					wantNotStored(t, r)
				})
			}
		})
	}
}

// everyKind returns one response of every kind that the app has, but for the
// 503 of TestDatabaseOutage.
func everyKind(t *testing.T, app *testapp.App) map[string]*testapp.Response {
	t.Helper()
	client := app.Client(t)
	tag := client.HTML(http.MethodGet, "/assets/app.css", nil).Header.Get("ETag")
	kinds := map[string]*testapp.Response{
		"page":          client.HTML(http.MethodGet, "/", nil),
		"HEAD":          client.HTML(http.MethodHead, "/", nil),
		"JSON":          client.JSON(http.MethodGet, "/", nil),
		"error page":    client.HTML(http.MethodGet, "/missing", nil),
		"error JSON":    client.JSON(http.MethodGet, "/missing", nil),
		"401":           client.JSON(http.MethodGet, "/session", nil),
		"401 page":      client.HTML(http.MethodGet, "/session", nil),
		"405":           client.JSON(http.MethodPut, "/session", nil),
		"OPTIONS":       client.JSON(http.MethodOptions, "/", nil),
		"403":           client.Do(http.MethodPost, "/session", testapp.Header("Sec-Fetch-Site", "cross-site")),
		"redirect":      client.HTML(http.MethodDelete, "/session", nil),
		"mux redirect":  client.HTML(http.MethodGet, "/a/../session", nil),
		"static":        client.HTML(http.MethodGet, "/assets/app.css", nil),
		"static image":  client.HTML(http.MethodGet, "/assets/icon.svg", nil),
		"static gone":   client.HTML(http.MethodGet, "/assets/gone.css", nil),
		"static folder": client.HTML(http.MethodGet, "/assets/", nil),
		"static range":  client.Do(http.MethodGet, "/assets/app.css", testapp.Header("Range", "bytes=0-9")),
		"static 304":    client.Do(http.MethodGet, "/assets/app.css", testapp.Header("If-None-Match", tag)),
		"healthz":       client.JSON(http.MethodGet, "/healthz", nil),
		"readyz":        client.JSON(http.MethodGet, "/readyz", nil),
	}
	if client.JSON(http.MethodGet, "/auth/bypass?token=admin", nil).StatusCode == http.StatusOK {
		kinds["signed in"] = client.HTML(http.MethodGet, "/", nil)
		kinds["session"] = client.JSON(http.MethodGet, "/session", nil)
		kinds["session page"] = client.HTML(http.MethodGet, "/session", nil)
		kinds["sign-in"] = client.HTML(http.MethodPost, "/auth/bypass", url.Values{"token": {"admin"}})
		kinds["sign-out"] = client.JSON(http.MethodDelete, "/session", nil)
	}
	return kinds
}

// wantNotStored checks that only files of the app are kept in caches. Nobody
// keeps a 307 that does not say so.
func wantNotStored(t *testing.T, r *testapp.Response) {
	t.Helper()
	static := strings.HasPrefix(r.Request.URL.Path, "/assets/")
	stored := r.Header.Get("Cache-Control") != "no-store"
	if stored && r.StatusCode != http.StatusTemporaryRedirect && !(static && r.StatusCode < http.StatusBadRequest) {
		t.Errorf("%s %s (%d): Cache-Control is %q, want no-store", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.Header.Get("Cache-Control"))
	}
}

func TestHeaders_Compression(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	client.SignIn("admin")
	for _, path := range []string{"/", "/signin", "/session", "/missing", "/assets/app.css"} {
		plain := client.HTML(http.MethodGet, path, nil)
		if encoding := plain.Header.Get("Content-Encoding"); encoding != "" {
			t.Errorf("%s comes in %s, unasked", path, encoding)
		}
		packed := client.Do(http.MethodGet, path, testapp.Header("Accept-Encoding", "gzip"), testapp.Header("Accept", "text/html"))
		if packed.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(packed.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("%s: %q, Vary %q, want gzip", path, packed.Header.Get("Content-Encoding"), packed.Header.Values("Vary"))
			continue
		}
		got := unzip(t, packed.Body)
		if withoutIDs(got) != withoutIDs(plain.Body) || len(packed.Body) >= len(plain.Body) {
			t.Errorf("%s: %d packed bytes hold\n%s\nwant\n%s", path, len(packed.Body), got, plain.Body)
		}
	}
}

// withoutIDs takes out of an error page what every request has of its own.
func withoutIDs(page string) string {
	return regexp.MustCompile(`<code>[A-Z0-9]+</code>`).ReplaceAllString(page, "")
}

func unzip(t *testing.T, packed string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestHeaders_Static holds that browsers keep a file for ever under the address
// that pages have of it, and ask again under any other.
func TestHeaders_Static(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	page := client.HTML(http.MethodGet, "/", nil).Body
	addresses := regexp.MustCompile(`/assets/[^"]+`).FindAllString(page, -1)
	if len(addresses) < 2 {
		t.Fatalf("the page names %q, want a stylesheet and an icon", addresses)
	}
	for _, address := range addresses {
		path, _, _ := strings.Cut(address, "?")
		for asked, want := range map[string]string{
			address:          "public, max-age=31536000, immutable",
			path:             "no-cache",
			path + "?v=old":  "no-cache",
			path + "?v=&x=y": "no-cache",
		} {
			r := client.HTML(http.MethodGet, asked, nil)
			wantStatus(t, r, http.StatusOK)
			if got := r.Header.Get("Cache-Control"); got != want {
				t.Errorf("%s: Cache-Control is %q, want %q", asked, got, want)
			}
			again := client.Do(http.MethodGet, asked, testapp.Header("If-None-Match", r.Header.Get("ETag")))
			wantStatus(t, again, http.StatusNotModified)
			if again.Body != "" || again.Header.Get("Cache-Control") != want {
				t.Errorf("%s: the 304 has %d bytes and Cache-Control %q", asked, len(again.Body), again.Header.Get("Cache-Control"))
			}
		}
	}
	for _, path := range []string{"/assets", "/assets/", "/assets/../embed.go", "/assets/%2e%2e/embed.go", "/embed.go", "/public/assets/app.css"} {
		if r := client.JSON(http.MethodGet, path, nil); r.StatusCode == http.StatusOK {
			t.Errorf("%s: 200\n%s", path, r.Body)
		}
	}
}
