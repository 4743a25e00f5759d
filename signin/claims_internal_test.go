package signin

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// Go decodes a claim that is repeated, or spelled with other letters, as the same claim.
func TestOpenID_ASVS_10_5_2_FoldedClaims(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	for _, name := range []string{"SUB", "\u017fub", "Nonce", "AZP", "Auth_Time", "TID", "\u017fid", "Iss", "Aud", "EXP", "iAt", "NBF", "JTI", "Events", "Email", "preferred_u\u017fername"} {
		fake.Override(testoidc.Overrides{Sign: func(h *testoidc.Fake, c testoidc.Claims) string {
			c[name] = c[strings.ToLower(name)]
			return h.Sign(c)
		}})
		if id, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Errorf("%q: %+v, %v", name, id, err)
		}
		fake.Override(testoidc.Overrides{Claims: claim("name", nil), UserInfo: claim(name, "mallory")})
		if id, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Errorf("%q in the user info: %+v, %v", name, id, err)
		}
		token := logoutClaims(fake.URL)
		token[name] = token[strings.ToLower(name)]
		err := flow.Logout(t.Context(), "fake", fake.Sign(token), func(Logout) error { return nil })
		if !errors.Is(err, ErrLogoutToken) {
			t.Errorf("%q in a logout token: %v", name, err)
		}
	}
	fake.Override(testoidc.Overrides{Claims: claim("Groups", "staff"), UserInfo: claim("Sub_Of", "x")})
	if id, err := signIn(t, flow, LoginRequest{}); err != nil || id.Subject != "mallory" {
		t.Errorf("unknown claims: %+v, %v", id, err)
	}
}

func TestReadClaims(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"sub":"a","x":{"SUB":"b"}}`: true, `{"sub":"a","sub":"b"}`: false, `{"sub":"a","x":1,"x":2}`: true, `{"SUB":"a"}`: false,
		`[]`: false, ``: false, `{"sub":`: false, `{"sub":"a"`: false, `null`: false,
	} {
		var c claims
		if err := readClaims([]byte(text), &c); (err == nil) != ok || ok && c.Subject != "a" {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
}

// User info fills in what the ID token leaves out. It replaces nothing, and may be
// missing.
func TestOpenID_UserInfo(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	for name, c := range map[string]struct {
		token testoidc.Claims
		info  testoidc.Claims
		want  Identity // username, name and email address
	}{
		"Replaces":   {nil, testoidc.Claims{"preferred_username": "root", "email": "root@example.com", "email_verified": true}, Identity{Username: "mallory", Name: "Mallory Hostile", Email: "admin@example.com"}},
		"Verifies":   {testoidc.Claims{"email_verified": false}, testoidc.Claims{"email": "admin@example.com", "email_verified": true}, Identity{Username: "mallory", Name: "Mallory Hostile"}},
		"Fills":      {testoidc.Claims{"preferred_username": nil, "email": nil, "email_verified": nil}, testoidc.Claims{"preferred_username": "m", "email": "m@example.com", "email_verified": "true"}, Identity{Username: "m", Name: "Mallory Hostile", Email: "m@example.com"}},
		"Unverified": {testoidc.Claims{"email": nil}, testoidc.Claims{"email": "m@example.com"}, Identity{Username: "mallory", Name: "Mallory Hostile"}},
		"Nickname":   {testoidc.Claims{"preferred_username": nil, "nickname": "mal"}, testoidc.Claims{"preferred_username": "root"}, Identity{Username: "mal", Name: "Mallory Hostile", Email: "admin@example.com"}},
		"NoSubject":  {nil, testoidc.Claims{"sub": nil, "name": "Root"}, Identity{Username: "mallory", Email: "admin@example.com"}},
		"NoText":     {nil, testoidc.Claims{"name": 5}, Identity{Username: "mallory", Email: "admin@example.com"}},
		"NoName":     {nil, testoidc.Claims{"name": nil}, Identity{Username: "mallory", Email: "admin@example.com"}},
	} {
		fake.Override(testoidc.Overrides{
			Claims:   func(claims testoidc.Claims) { claims["name"] = nil; maps.Copy(claims, c.token) },
			UserInfo: func(claims testoidc.Claims) { maps.Copy(claims, c.info) },
		})
		id, err := signIn(t, flow, LoginRequest{})
		if got := (Identity{Username: id.Username, Name: id.Name, Email: id.Email}); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	fake.Override(testoidc.Overrides{Claims: claim("name", nil), UserInfo: claim("sub", "somebody-else")})
	if id, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
		t.Errorf("user info about another user: %+v, %v", id, err)
	}
	without, other, _ := newFakeFlow(t, Settings{})
	other.Override(testoidc.Overrides{Claims: claim("name", nil), Metadata: claim("userinfo_endpoint", other.URL+"/nothing")})
	if id, err := signIn(t, without, LoginRequest{}); err != nil || id.Username != "mallory" || id.Email != "admin@example.com" {
		t.Errorf("without user info: %+v, %v", id, err)
	}
}
