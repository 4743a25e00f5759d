package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// withFake returns a fake provider and its clock.
func withFake(t *testing.T) (*Provider, *openID, *testoidc.Fake, *clock) {
	t.Helper()
	flow, fake, clock := newFakeFlow(t, Settings{})
	return flow.Providers[0], flow.Providers[0].goth.(*openID), fake, clock
}

// broken responds with an error and counts the requests.
func broken(asked *atomic.Int32) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
}

// A discovery document is used for a day, and for one more day while the provider does
// not respond.
func TestOpenID_DiscoveryLifetime(t *testing.T) {
	p, o, fake, clock := withFake(t)
	var asked atomic.Int32
	want := func(when string, usable, unavailable bool, times int32) {
		t.Helper()
		m, err := o.discover(t.Context())
		if (err == nil) != usable || (m != nil) != usable || (p.Unavailable() != nil) != unavailable || asked.Load() != times {
			t.Errorf("%s: %v, %v, unavailable: %v, asked %d times", when, m, err, p.Unavailable(), asked.Load())
		}
	}
	want("at first", true, false, 0)
	fake.Override(testoidc.Overrides{Discovery: broken(&asked)})
	clock.advance(metadataLifetime - time.Second)
	want("for a day", true, false, 0)
	clock.advance(2 * time.Second)
	want("after a day", true, true, 1)
	clock.advance(time.Second)
	want("a second later", true, true, 1)
	clock.advance(discoveryPause)
	want("after the pause", true, true, 2)
	clock.advance(metadataGrace - time.Minute)
	want("at the end of the second day", true, true, 3)
	clock.advance(time.Minute)
	want("after two days", false, true, 4)
	fake.Override(testoidc.Overrides{})
	clock.advance(discoveryPause)
	want("after it recovered", true, false, 4)
	fake.Override(testoidc.Overrides{Discovery: broken(&asked)})
	clock.advance(metadataLifetime - time.Second)
	want("a day after that", true, false, 4)
}

// If the discovery document changes to another issuer, the old one is not used either.
func TestOpenID_ASVS_10_5_3_RefreshedIssuer(t *testing.T) {
	for name, lie := range map[string]func(testoidc.Claims){
		"Other": func(c testoidc.Claims) { c["issuer"] = "https://id.example.com" },
		"NoTLS": func(c testoidc.Claims) { c["token_endpoint"] = "http://id.example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			p, o, fake, clock := withFake(t)
			if _, err := o.discover(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.advance(metadataLifetime)
			fake.Override(testoidc.Overrides{Metadata: lie})
			for range 2 {
				if m, err := o.discover(t.Context()); !errors.Is(err, errUntrusted) {
					t.Errorf("%v, %v", m, err)
				}
			}
			var asked atomic.Int32
			fake.Override(testoidc.Overrides{Discovery: broken(&asked)})
			clock.advance(discoveryPause)
			if m, err := o.discover(t.Context()); err == nil || p.SignOutURL("x") != "" || asked.Load() != 1 {
				t.Errorf("%v, %v, asked %d times", m, err, asked.Load())
			}
		})
	}
}

// A provider that hangs is asked once, and no caller waits longer than its own context.
func TestOpenID_DiscoveryHangs(t *testing.T) {
	p, o, fake, _ := withFake(t)
	var asked atomic.Int32
	hold := make(chan struct{})
	fake.Override(testoidc.Overrides{Discovery: func(http.ResponseWriter) bool { asked.Add(1); <-hold; return false }})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := o.discover(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if _, err := o.discover(over); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if url := o.signOutURL(over, "x"); url != "" || p.Unavailable() != nil {
			t.Errorf("%q, %v", url, p.Unavailable())
		}
	}
	close(hold)
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestProvider_SignOutURL(t *testing.T) {
	p, _, fake, clock := withFake(t)
	want := fake.URL + "/end?client_id=app&post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2F"
	var wg sync.WaitGroup
	for range 20 { // the first calls, so all need discovery
		wg.Go(func() {
			if got := p.SignOutURL("https://app.example.com/"); got != want {
				t.Errorf("%q", got)
			}
		})
	}
	wg.Wait()
	var asked atomic.Int32
	fake.Override(testoidc.Overrides{Discovery: broken(&asked)})
	clock.advance(metadataLifetime)
	if got := p.SignOutURL("https://app.example.com/"); got != want {
		t.Errorf("while the provider is down: %q", got)
	}
	if p.Unavailable() == nil || !strings.Contains(p.Unavailable().Error(), "500") {
		t.Errorf("unavailable: %v", p.Unavailable())
	}
}
