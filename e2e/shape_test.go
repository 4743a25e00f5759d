package e2e

import (
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

// wantProblem checks an error in JSON (RFC 9457).
func wantProblem(t *testing.T, r *testapp.Response) {
	t.Helper()
	if contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); contentType != "application/problem+json" {
		t.Errorf("%s %s: the error is %q, want application/problem+json\n%s", r.Request.Method, r.Request.URL.Path, contentType, r.Body)
		return
	}
	var problem map[string]any
	r.Decode(t, &problem)
	for name, want := range map[string]any{
		"type": nil, "title": http.StatusText(r.StatusCode), "status": float64(r.StatusCode), "detail": nil, "request_id": r.Header.Get("X-Request-Id"),
	} {
		got, ok := problem[name]
		if !ok || got == "" || want != nil && got != want {
			t.Errorf("%s %s: %s is %v, want %v", r.Request.Method, r.Request.URL.Path, name, got, want)
		}
	}
}

// wantPage checks that r is a whole page of the app.
func wantPage(t *testing.T, r *testapp.Response) {
	t.Helper()
	contentType, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if contentType != "text/html" || !strings.EqualFold(params["charset"], "utf-8") {
		t.Errorf("%s %s: %q, want a page in UTF-8\n%s", r.Request.Method, r.Request.URL.Path, r.Header.Get("Content-Type"), r.Body)
		return
	}
	for _, part := range []string{"<!doctype html>", "<title>", "</main>", "</html>"} {
		if !strings.Contains(r.Body, part) {
			t.Errorf("%s %s: the page has no %s", r.Request.Method, r.Request.URL.Path, part)
		}
	}
	if id := r.Header.Get("X-Request-Id"); r.StatusCode >= http.StatusBadRequest && !strings.Contains(r.Body, id) {
		t.Errorf("%s %s: the error page does not name the request %s", r.Request.Method, r.Request.URL.Path, id)
	}
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// wantForm fails the test unless r has a form that sends these hidden fields, and no
// others, to an address.
func wantForm(t *testing.T, r *testapp.Response, action string, want url.Values) {
	t.Helper()
	for _, form := range strings.Split(r.Body, "<form ")[1:] {
		tag, content, _ := strings.Cut(form, ">")
		if !strings.Contains(tag, `action="`+action+`"`) || !strings.Contains(tag, `method="post"`) {
			continue
		}
		content, _, _ = strings.Cut(content, "</form>")
		fields := url.Values{}
		for _, field := range hiddenField.FindAllStringSubmatch(content, -1) {
			fields.Add(field[1], field[2])
		}
		if reflect.DeepEqual(fields, want) {
			return
		}
	}
	t.Errorf("no form sends %v to %s:\n%s", want, action, r.Body)
}

// internal is what a client must never read: SQL, Go, drivers, addresses.
var internal = regexp.MustCompile(`(?i)\b(select|insert|update|delete) .* (from|into|set|where)\b|\bsql\b|sqlite|postgres|pgx|mysql|mariadb|` +
	`goroutine|\.go:\d|runtime error|panic|stack ?trace|gobuffalo|github\.com|sessionstore|dial tcp|broken pipe|\*errors|%!|<nil>|no such table`)

// wantNothingInternal checks that an error says nothing about how the app works.
func wantNothingInternal(t *testing.T, r *testapp.Response) {
	t.Helper()
	body := strings.ReplaceAll(r.Body, r.Header.Get("X-Request-Id"), "") // random letters
	if found := internal.FindString(body); found != "" {
		t.Errorf("%s %s: the body holds %q\n%s", r.Request.Method, r.Request.URL.Path, found, r.Body)
	}
}

// wantSecurityHeaders checks the headers that every response has.
func wantSecurityHeaders(t *testing.T, r *testapp.Response, secure bool) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options":     "nosniff",
		"X-Frame-Options":            "DENY",
		"Referrer-Policy":            "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s %s (%d): %s is %q, want %q", r.Request.Method, r.Request.URL.Path, r.StatusCode, name, got, want)
		}
	}
	policy := r.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s %s (%d): the policy %q has no %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy %q allows what is unsafe", policy)
	}
	wantHSTS(t, r, secure)
	if r.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s (%d): no X-Request-Id", r.Request.Method, r.Request.URL.Path, r.StatusCode)
	}
	for _, name := range []string{"Server", "X-Powered-By"} {
		if r.Header.Get(name) != "" {
			t.Errorf("%s says %q", name, r.Header.Get(name))
		}
	}
}

func wantHSTS(t *testing.T, r *testapp.Response, secure bool) {
	t.Helper()
	got, want := strings.ToLower(r.Header.Get("Strict-Transport-Security")), ""
	if secure {
		want = "max-age=31536000; includesubdomains"
	}
	if got != want {
		t.Errorf("%s %s (%d): HSTS is %q, want %q", r.Request.Method, r.Request.URL.Path, r.StatusCode, got, want)
	}
}

func wantContains(t *testing.T, r *testapp.Response, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Body, text) {
			t.Errorf("%d without %q:\n%s", r.StatusCode, text, r.Body)
		}
	}
}

// wantLocation checks that a browser is redirected.
func wantLocation(t *testing.T, r *testapp.Response, want string) {
	t.Helper()
	if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || to != want {
		t.Errorf("%d, redirected to %q, want %q\n%s", r.StatusCode, to, want, r.Body)
	}
}
