package e2e

import (
	"net/http"
	"testing"
)

func TestOpenID_RateLimit(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	limited := 0
	for range 70 {
		if r := client.HTML(http.MethodPost, "/auth/evil", nil); r.StatusCode == http.StatusTooManyRequests {
			limited++
			if r.Header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
			}
		}
	}
	if limited != 10 {
		t.Errorf("%d of 70 were refused", limited)
	}
}

// Sixty whole sign-ins a minute fit in, and answers that nobody asked for, which a
// page of another site can have a browser send, use none of them up.
func TestOpenID_RateLimit_CountsStarts(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	for range 70 {
		wantStatus(t, app.Client(t).Do(http.MethodGet, "/auth/evil/callback?state=x&code=y"), http.StatusBadRequest)
	}
	for range 60 {
		wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusSeeOther)
	}
	wantStatus(t, app.Client(t).HTML(http.MethodPost, "/auth/evil", nil), http.StatusTooManyRequests)
}
