package signin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

func logoutClaims(issuer string) testoidc.Claims {
	return testoidc.Claims{
		"iss": issuer, "sub": "mallory", "sid": "s", "aud": "app", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"jti": time.Now().String(), "events": map[string]any{logoutEvent: map[string]any{}},
	}
}

func TestFlow_LogoutEvent(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	for name, events := range map[string]any{
		"Folded": map[string]any{strings.ToUpper(logoutEvent): map[string]any{}},
		"Null":   map[string]any{logoutEvent: nil},
		"Text":   map[string]any{logoutEvent: "yes"},
		"Other":  map[string]any{"http://schemas.openid.net/event/other": map[string]any{}},
		"None":   nil,
	} {
		token := logoutClaims(fake.URL)
		token["events"] = events
		err := flow.Logout(t.Context(), "fake", fake.Sign(token), func(Logout) error { t.Error("the token was accepted"); return nil })
		if !errors.Is(err, ErrLogoutToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var ended Logout
	err := flow.Logout(t.Context(), "fake", fake.Sign(logoutClaims(fake.URL)), func(l Logout) error { ended = l; return nil })
	if want := (Logout{fake.URL, "mallory", "s"}); err != nil || ended != want {
		t.Errorf("%+v, %v", ended, err)
	}
}
