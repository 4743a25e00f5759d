package signin

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// Tokens with unknown keys make the app fetch the keys only at a limited rate. They do
// not delay tokens with known keys.
func TestOpenID_UnknownKeys(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	// An hour, so that the test does not depend on time.
	flow.Providers[0].goth.(*openID).keys.Transport = rateLimitedTransport{http.DefaultTransport, rate.NewLimiter(rate.Every(time.Hour), keysBurst)}
	var asked atomic.Int32
	fake.Override(testoidc.Overrides{Keys: func(http.ResponseWriter) bool { asked.Add(1); return false }})
	logout := func(token string) error {
		return flow.Logout(t.Context(), "fake", token, func(Logout) error { return nil })
	}
	if _, err := signIn(t, flow, LoginRequest{}); err != nil {
		t.Fatal(err)
	}
	unknown := testoidc.NewKey(t)
	// go-oidc may use the response that it has just got for one more token, so the first
	// token over the limit can vary.
	var err error
	for i := 0; i < 100 && !errors.Is(err, ErrProvider); i++ {
		if err = logout(fake.Sign(logoutClaims(fake.URL), unknown)); !errors.Is(err, ErrProvider) && !errors.Is(err, ErrLogoutToken) {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	if err := logout(fake.Sign(logoutClaims(fake.URL), unknown)); !errors.Is(err, ErrProvider) {
		t.Errorf("over the limit: %v", err)
	}
	if asked.Load() != keysBurst {
		t.Errorf("fetched the keys %d times", asked.Load())
	}
	fake.Override(testoidc.Overrides{Sign: func(h *testoidc.Fake, c testoidc.Claims) string { return h.Sign(c, unknown) }})
	if _, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
		t.Errorf("an ID token with an unknown key: %v", err)
	}
	fake.Override(testoidc.Overrides{})
	if _, err := signIn(t, flow, LoginRequest{}); err != nil {
		t.Errorf("an ID token with a known key: %v", err)
	}
	if err := logout(fake.Sign(logoutClaims(fake.URL))); err != nil {
		t.Errorf("a logout token with a known key: %v", err)
	}
}

// The limit is a burst and then one request per second, so that a new key is usually
// known immediately.
func TestRateLimited(t *testing.T) {
	client := rateLimited(newClient())
	limiter := client.Transport.(rateLimitedTransport).limiter
	if limiter.Limit() != 1 || limiter.Burst() != keysBurst {
		t.Errorf("%v per second, burst of %d", limiter.Limit(), limiter.Burst())
	}
	now := time.Now()
	for range keysBurst {
		limiter.AllowN(now, 1)
	}
	if limiter.AllowN(now, 1) || !limiter.AllowN(now.Add(keysPause), 1) {
		t.Error("the limit is not enforced, or never recovers")
	}
}
