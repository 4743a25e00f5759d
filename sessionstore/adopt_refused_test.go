package sessionstore_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// An old cookie cannot be revoked on its own, because it contains the whole
// session.
func TestStore_AdoptReplayed(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	ends := map[string]func(*testing.T, *browser){
		"SignOut":      func(t *testing.T, b *browser) { b.change(t, signOut) },
		"SignOutFirst": func(t *testing.T, b *browser) { b.change(t, signOut) },
		"Clear":        func(t *testing.T, b *browser) { b.change(t, func(session *sessions.Session) { clear(session.Values) }) },
		"MaxAge": func(t *testing.T, b *browser) {
			b.change(t, func(session *sessions.Session) { session.Options.MaxAge = -1 })
		},
		"SignIn":    func(t *testing.T, b *browser) { b.signIn(t, "ada") },
		"OtherUser": func(t *testing.T, b *browser) { b.signIn(t, "bob") },
		"Expired":   func(_ *testing.T, b *browser) { b.site.clock.advance(sessionstore.DefaultIdleTimeout) },
		"Revoke": func(t *testing.T, b *browser) {
			if _, err := revokeUser(t.Context(), b.site.store, "ada"); err != nil {
				t.Error(err)
			}
		},
		"RevokeAll": func(t *testing.T, b *browser) {
			if _, err := b.site.store.RevokeAll(t.Context()); err != nil {
				t.Error(err)
			}
		},
	}
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, end := range ends {
			cookie := oldCookie(t, old, map[any]any{"user_id": "ada", "for": name})
			ada := s.with(t, cookie)
			if name != "SignOutFirst" {
				ada.change(t, nil)
				delete(ada.header, "Cookie")
			}
			end(t, ada)
			if v := s.with(t, cookie).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 {
				t.Errorf("%s: afterwards the old cookie holds %v", name, v.session.Values)
			}
		}
	}, adopting(old))
}

// Base64 has several encodings of the same bytes, and gorilla's stores accept
// them all.
func TestStore_AdoptRespelled(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, cart := range []string{"x", "xx", "xxx"} { // different paddings
			cookie := oldCookie(t, old, map[any]any{"user_id": "ada", "cart": cart})
			s.with(t, cookie).change(t, signOut)
			for _, other := range otherSpellings(cookie) {
				if v := s.with(t, other).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 {
					t.Errorf("after the sign-out, another spelling of the old cookie holds %v", v.session.Values)
				}
			}
		}
	}, adopting(old))
}

// otherSpellings returns cookies with the same decoded bytes but different text.
func otherSpellings(cookie string) (others []string) {
	name, value, _ := strings.Cut(cookie, "=")
	plain, _ := base64.URLEncoding.DecodeString(value)
	text := strings.TrimRight(value, "=")
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		other := text[:len(text)-1] + string(last) + value[len(text):]
		if b, err := base64.URLEncoding.DecodeString(other); err == nil && bytes.Equal(b, plain) && other != value {
			others = append(others, name+"="+other)
		}
	}
	return others
}

func TestStore_AdoptUntil(t *testing.T) {
	old := sessions.NewCookieStore(foreignSecret)
	cookie := oldCookie(t, old, adasCart)
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.clock.advance(adoption)
		if v := s.with(t, cookie).change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 {
			t.Errorf("after the last day the old cookie holds %v", v.session.Values)
		}
		s.wantRows(t, 0)
	}, adopting(old))
}

func TestNew_AdoptWithoutUntil(t *testing.T) {
	_, err := sessionstore.New(nil, sessionstore.Options{Secrets: [][]byte{secret}, Adopt: sessions.NewCookieStore(foreignSecret)})
	if err == nil || !strings.Contains(err.Error(), "AdoptUntil") {
		t.Errorf("New: %v", err)
	}
}

func TestStore_AdoptForged(t *testing.T) {
	forged := oldCookie(t, sessions.NewCookieStore([]byte("a secret that somebody guessed")), adasCart)
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, cookie := range []string{forged, cookieName + "=x", cookieName + "=" + strings.Repeat("x", 8000)} {
			v := s.with(t, cookie).change(t, nil)
			if !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
				t.Errorf("%.40s: values %v, cookies %v", cookie, v.session.Values, v.cookies)
			}
		}
		s.wantRows(t, 0)
	}, adopting(sessions.NewCookieStore(foreignSecret)))
}

func TestStore_AdoptUnavailable(t *testing.T) {
	old := newIDStore()
	cookie := oldCookie(t, old, adasCart)
	old.err = errors.New("connection refused")
	onEveryEngine(t, func(t *testing.T, s *site) {
		wantUnavailable(t, "old store away", s.with(t, cookie).visit(t, signInAs("bob")))
		s.wantRows(t, 0)
		if v := s.browser(t).set(t, "cart", 1); !v.session.IsNew { // has no old cookie
			t.Errorf("values %v", v.session.Values)
		}
	}, adopting(old))
}
