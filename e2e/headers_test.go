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
			for what, r := range everyResponse(t, app) {
				t.Run(what, func(t *testing.T) {
					wantSecurityHeaders(t, r, env != "test")
					wantNotStored(t, r)
				})
			}
		})
	}
}

// everyResponse returns one response of each kind, except for the 503, which
// TestDatabaseOutage checks.
func everyResponse(t *testing.T, app *testapp.App) map[string]*testapp.Response {
	t.Helper()
	client := app.Client(t)
	tag := client.HTML(http.MethodGet, "/assets/app.css", nil).Header.Get("ETag")
	kinds := map[string]*testapp.Response{
		"page":           client.HTML(http.MethodGet, "/", nil),
		"HEAD":           client.HTML(http.MethodHead, "/", nil),
		"JSON":           client.JSON(http.MethodGet, "/", nil),
		"error page":     client.HTML(http.MethodGet, "/missing", nil),
		"error JSON":     client.JSON(http.MethodGet, "/missing", nil),
		"401":            client.JSON(http.MethodGet, "/session", nil),
		"401 page":       client.HTML(http.MethodGet, "/session", nil),
		"405":            client.JSON(http.MethodPut, "/session", nil),
		"OPTIONS":        client.JSON(http.MethodOptions, "/", nil),
		"403":            client.Do(http.MethodPost, "/session", testapp.Header("Sec-Fetch-Site", "cross-site")),
		"redirect":       client.HTML(http.MethodDelete, "/session", nil),
		"mux redirect":   client.HTML(http.MethodGet, "/a/../session", nil),
		"static":         client.HTML(http.MethodGet, "/assets/app.css", nil),
		"static image":   client.HTML(http.MethodGet, "/assets/icon.svg", nil),
		"static missing": client.HTML(http.MethodGet, "/assets/gone.css", nil),
		"static folder":  client.HTML(http.MethodGet, "/assets/", nil),
		"static range":   client.Do(http.MethodGet, "/assets/app.css", testapp.Header("Range", "bytes=0-9")),
		"static 304":     client.Do(http.MethodGet, "/assets/app.css", testapp.Header("If-None-Match", tag)),
		"healthz":        client.JSON(http.MethodGet, "/healthz", nil),
		"readyz":         client.JSON(http.MethodGet, "/readyz", nil),
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

// wantNotStored checks that caches store nothing except assets. Without Cache-Control,
// caches do not store a 307.
func wantNotStored(t *testing.T, r *testapp.Response) {
	t.Helper()
	static := strings.HasPrefix(r.Request.URL.Path, "/assets/")
	stored := r.Header.Get("Cache-Control") != "no-store"
	if stored && r.StatusCode != http.StatusTemporaryRedirect && !(static && r.StatusCode < http.StatusBadRequest) {
		t.Errorf("%s %s (%d): Cache-Control = %q, want no-store", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.Header.Get("Cache-Control"))
	}
}

func TestHeaders_Compression(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	client.SignIn("admin")
	for _, path := range []string{"/", "/signin", "/session", "/missing", "/assets/app.css"} {
		plain := client.HTML(http.MethodGet, path, nil)
		if encoding := plain.Header.Get("Content-Encoding"); encoding != "" {
			t.Errorf("GET %s without Accept-Encoding: Content-Encoding = %q, want none", path, encoding)
		}
		compressed := client.Do(http.MethodGet, path, testapp.Header("Accept-Encoding", "gzip"), testapp.Header("Accept", "text/html"))
		if compressed.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(compressed.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("GET %s: Content-Encoding = %q, Vary = %q; want gzip and Accept-Encoding", path, compressed.Header.Get("Content-Encoding"), compressed.Header.Values("Vary"))
			continue
		}
		got := unzip(t, compressed.Body)
		if withoutIDs(got) != withoutIDs(plain.Body) || len(compressed.Body) >= len(plain.Body) {
			t.Errorf("GET %s: %d compressed bytes contain\n%s\nwant\n%s", path, len(compressed.Body), got, plain.Body)
		}
	}
}

// withoutIDs removes the request ID from an error page.
func withoutIDs(page string) string {
	return regexp.MustCompile(`<code>[A-Z0-9]+</code>`).ReplaceAllString(page, "")
}

func unzip(t *testing.T, compressed string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Browsers may cache an asset forever under the versioned URL that pages link to. Under any
// other URL they must revalidate it.
func TestHeaders_Static(t *testing.T) {
	t.Parallel()
	client := testapp.Start(t, testapp.Options{}).Client(t)
	page := client.HTML(http.MethodGet, "/", nil).Body
	addresses := regexp.MustCompile(`/assets/[^"]+`).FindAllString(page, -1)
	if len(addresses) < 2 {
		t.Fatalf("the page links to %q, want a stylesheet and an icon", addresses)
	}
	for _, address := range addresses {
		path, _, _ := strings.Cut(address, "?")
		for target, want := range map[string]string{
			address:          "public, max-age=31536000, immutable",
			path:             "no-cache",
			path + "?v=old":  "no-cache",
			path + "?v=&x=y": "no-cache",
		} {
			r := client.HTML(http.MethodGet, target, nil)
			wantStatus(t, r, http.StatusOK)
			if got := r.Header.Get("Cache-Control"); got != want {
				t.Errorf("GET %s: Cache-Control = %q, want %q", target, got, want)
			}
			again := client.Do(http.MethodGet, target, testapp.Header("If-None-Match", r.Header.Get("ETag")))
			wantStatus(t, again, http.StatusNotModified)
			if again.Body != "" || again.Header.Get("Cache-Control") != want {
				t.Errorf("GET %s: the 304 has %d bytes and Cache-Control %q, want 0 and %q", target, len(again.Body), again.Header.Get("Cache-Control"), want)
			}
		}
	}
	for _, path := range []string{"/assets", "/assets/", "/assets/../embed.go", "/assets/%2e%2e/embed.go", "/embed.go", "/public/assets/app.css"} {
		if r := client.JSON(http.MethodGet, path, nil); r.StatusCode == http.StatusOK {
			t.Errorf("GET %s = 200, want an error\n%s", path, r.Body)
		}
	}
}
