package signin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// The most attempts that a browser may have fit into the headers that proxies accept,
// which are 8 KB.
func TestOpenID_CookieSize(t *testing.T) {
	flow, _, _ := newFakeFlow(t, Settings{})
	w := httptest.NewRecorder()
	for range maxAttempts {
		request := LoginRequest{ReturnTo: "/sessions?user=b0f7ba1e-6a66-4e0e-9d5c-0c7f6ee2f0c1&page=2", Remember: true, Fresh: true, User: "b0f7ba1e-6a66-4e0e-9d5c-0c7f6ee2f0c1"}
		if _, err := flow.Start(w, httptest.NewRequest(http.MethodPost, "/", nil), "fake", request); err != nil {
			t.Fatal(err)
		}
	}
	size := 0
	for _, c := range w.Result().Cookies() {
		size += len(c.Name + "=" + c.Value + "; ")
	}
	if size > 3500 {
		t.Errorf("%d bytes, want 3500 at most", size)
	}
}

// A provider that should send auth_time, but does not, cannot re-authenticate users,
// unless its settings say that it never sends it.
func TestOpenID_ASVS_7_6_1_NoAuthTime(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		want     error
		prompt   string
		maxAge   bool
	}{
		"Timed":        {Settings{Kind: OpenIDConnect}, ErrNoAuthTime, "login", true},
		"NoAuthTime":   {Settings{Kind: OpenIDConnect, NoAuthTime: true}, nil, "login", false},
		"UntimedKind":  {Settings{Kind: Kind{noAuthTime: true}}, nil, "", false},
		"PromptedKind": {Settings{Kind: Kind{noAuthTime: true, prompt: "select_account"}}, nil, "select_account", false},
	} {
		t.Run(name, func(t *testing.T) {
			flow, fake, clock := newFakeFlow(t, c.settings)
			fake.Override(testoidc.Overrides{Claims: claim("auth_time", nil)})
			id, err := signIn(t, flow, LoginRequest{Fresh: true})
			if !errors.Is(err, c.want) || errors.Is(err, ErrProvider) || err == nil && !id.AuthenticatedAt.Equal(clock.now()) {
				t.Errorf("%+v, %v", id, err)
			}
			fake.Override(testoidc.Overrides{Claims: claim("auth_time", "yesterday")})
			if id, err := signIn(t, flow, LoginRequest{Fresh: true}); !errors.Is(err, ErrProvider) {
				t.Errorf("with an invalid time: %+v, %v", id, err)
			}
			session, err := flow.Providers[0].begin(t.Context(), "the-state", true)
			if err != nil {
				t.Fatal(err)
			}
			target, err := url.Parse(session.(*openIDSession).url)
			if err != nil {
				t.Fatal(err)
			}
			if asked := target.Query(); asked.Get("prompt") != c.prompt || asked.Has("max_age") != c.maxAge {
				t.Errorf("sent to %s", target)
			}
		})
	}
}
