package actions

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Who sends a form comes back to the page that he sent it from, and never to another
// site's.
func TestPageOf(t *testing.T) {
	for _, c := range []struct{ method, referer, want string }{
		{http.MethodGet, "http://app.example/account", "/tokens?x=1"},
		{http.MethodPost, "http://app.example/sessions?after=1.x", "/sessions?after=1.x"},
		{http.MethodPost, "http://app.example/sessions?notice=ended&after=1.x", "/sessions?after=1.x"},
		{http.MethodDelete, "http://app.example/account?notice=linked", "/account"},
		{http.MethodPost, "http://app.example/account#tokens", "/account"},
		{http.MethodPost, "http://app.example", "/"},
		{http.MethodPost, "http://app.example//evil.example/", "/"},
		{http.MethodPost, "http://evil.example/account", "/"},
		{http.MethodPost, "http://app.example:81/account", "/"},
		{http.MethodPost, "", "/"},
		{http.MethodPost, "http://%zz", "/"},
	} {
		r := httptest.NewRequest(c.method, "http://app.example/tokens?x=1", nil)
		r.Header.Set("Referer", c.referer)
		if got := pageOf(r); got != c.want {
			t.Errorf("%s from %q: %q, want %q", c.method, c.referer, got, c.want)
		}
	}
}
