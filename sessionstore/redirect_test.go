package sessionstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// wantOnly checks that ada's session is the only one that is listed and counted.
func (s *site) wantOnly(t *testing.T, sid string) {
	t.Helper()
	list, err := list(t.Context(), s.store, "ada", 10)
	all, allErr := listAll(t.Context(), s.store, 10)
	if err := errors.Join(err, allErr); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || len(all) != 1 || list[0].SID != sid || all[0].SID != sid {
		t.Errorf("List = %+v, ListAll = %+v; want %q alone", list, all, sid)
	}
	n, err := count(t.Context(), s.store, "ada")
	total, allErr := countAll(t.Context(), s.store)
	if n != 1 || total != 1 || err != nil || allErr != nil {
		t.Errorf("Count = %d, %v, CountAll = %d, %v; want 1 each", n, err, total, allErr)
	}
}

// The redirect row from the old sid to the new one does not count as a session.
func TestStore_TraceIsNoSession(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		trace := s.row(t, late.old())
		if trace.UserID != nil || len(trace.Data) != 0 || !trace.ExpiresAt.Equal(at(renewAfter+sessionstore.RenewalGrace)) {
			t.Errorf("the trace is %+v", trace)
		}
		s.wantRows(t, 2)
		s.wantOnly(t, s.row(t, ada.cookie(t)).SID)
		s.wantExpired(t, 0)
		s.clock.advance(sessionstore.RenewalGrace)
		s.wantExpired(t, 1)
		if n, err := s.store.Cleanup(t.Context(), 10); n != 1 || err != nil {
			t.Errorf("Cleanup: %d, %v; want 1", n, err)
		}
		s.wantRows(t, 1)
		if user := ada.user(t); user != "ada" {
			t.Errorf("%v is signed in after Cleanup", user)
		}
	}, onSchedule)
}

// The grace period is for the requests of the user who was already signed in.
// After a sign-in or a change of the user, no old cookie works.
func TestStore_NoGraceAtSignIn(t *testing.T) {
	for name, handle := range map[string]func(*sessions.Session){
		"SameUser":  signInAs("ada"),
		"OtherUser": signInAs("bob"),
		"Renew":     renewSession,
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada, late := s.renewedOnSchedule(t)
				second := ada.cookie(t)
				ada.change(t, handle)
				s.wantDead(t, late.old())
				renewed(t, ada, second)
			}, onSchedule)
			t.Run("WithTheOldCookie", func(t *testing.T) {
				onEveryEngine(t, func(t *testing.T, s *site) {
					ada, late := s.renewedOnSchedule(t)
					old, second := late.old(), ada.cookie(t)
					if v := late.change(t, handle); len(v.cookies) != 1 {
						t.Errorf("cookies %v", v.cookies)
					}
					s.wantDead(t, old)
					s.wantDead(t, second)
				}, onSchedule)
			})
		})
	}
}

// Use during the grace period counts as use of the session, and does not extend
// the grace period.
func TestStore_TouchInTheGrace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		trace := s.row(t, late.old())
		s.clock.advance(10 * time.Second)
		late.read(t)
		s.wantUnchanged(t, trace)
		if row := s.row(t, ada.cookie(t)); !row.LastSeenAt.Equal(at(renewAfter + 10*time.Second)) {
			t.Errorf("last seen %v", row.LastSeenAt)
		}
		s.clock.advance(sessionstore.RenewalGrace - 10*time.Second)
		s.wantDead(t, late.old())
	}, onSchedule, func(o *sessionstore.Options) { o.SetTouchInterval(10 * time.Second) })
}

// A server whose clock is ahead recorded a use of the old sid, and writes it when
// only the redirect row is left.
func TestStore_LateTouchOfATrace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ahead := s.instance(t, func(o *sessionstore.Options) {
			o.Now = func() time.Time { return s.clock.Now().Add(time.Second) }
		})
		ada := s.browser(t)
		ada.signIn(t, "ada")
		old := ada.cookie(t)
		s.clock.advance(renewAfter)
		stop := ahead.run(t)
		ada.on(ahead).read(t)
		ada.change(t, nil)
		if s.row(t, old).RenewedTo == "" {
			t.Fatal("not renewed")
		}
		stop()
		s.clock.advance(sessionstore.RenewalGrace)
		s.wantDead(t, old)
		if user := ada.user(t); user != "ada" {
			t.Errorf("%v is signed in", user)
		}
	}, onSchedule)
}

func TestStore_SignOutInTheGrace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		old := late.old()
		v := late.change(t, signOut)
		if len(v.cookies) != 1 || v.cookies[0].MaxAge >= 0 {
			t.Errorf("cookies %v", v.cookies)
		}
		if n, err := countAll(t.Context(), s.store); n != 0 || err != nil {
			t.Errorf("%d live sessions, %v; want none", n, err)
		}
		s.wantDead(t, old)
		s.wantDead(t, ada.cookie(t))
	}, onSchedule)
}

func TestStore_InspectInTheGrace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		ada.set(t, "cart", 3)
		now := s.row(t, ada.cookie(t)).SID
		old := s.row(t, late.old()).SID
		record, values, err := s.store.Inspect(t.Context(), old)
		if err != nil || record.SID != now || record.UserID != "ada" || values["cart"] != 3 {
			t.Errorf("%+v, %v, %v", record, values, err)
		}
		s.clock.advance(sessionstore.RenewalGrace)
		if _, _, err := s.store.Inspect(t.Context(), old); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("after the grace: %v, want ErrNotFound", err)
		}
	}, onSchedule)
}

// A list of sessions may be older than a renewal, and revoking a session from it
// must still work.
func TestStore_RevokeInTheGrace(t *testing.T) {
	for name, revoke := range map[string]func(*testing.T, *site, string) error{
		"Revoke":    func(t *testing.T, s *site, sid string) error { return revokeOne(t.Context(), s.store, "ada", sid) },
		"RevokeSID": func(t *testing.T, s *site, sid string) error { return revokeSID(t.Context(), s.store, sid) },
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada, late := s.renewedOnSchedule(t)
				trace := s.row(t, late.old())
				if err := revokeOne(t.Context(), s.store, "bob", trace.SID); !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("as somebody else: %v, want ErrNotFound", err)
				}
				s.wantUnchanged(t, trace)
				if user := ada.user(t); user != "ada" {
					t.Fatalf("somebody else revoked it: signed in is %v", user)
				}
				if err := revoke(t, s, trace.SID); err != nil {
					t.Error(err)
				}
				s.wantDead(t, ada.cookie(t))
				s.wantDead(t, late.old())
				if err := revoke(t, s, trace.SID); !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("once more: %v, want ErrNotFound", err)
				}
			}, onSchedule)
			t.Run("Over", func(t *testing.T) {
				onEveryEngine(t, func(t *testing.T, s *site) {
					ada, late := s.renewedOnSchedule(t)
					trace := s.row(t, late.old())
					s.clock.advance(sessionstore.RenewalGrace)
					if err := revoke(t, s, trace.SID); !errors.Is(err, sessionstore.ErrNotFound) {
						t.Errorf("after the grace: %v, want ErrNotFound", err)
					}
					if user := ada.user(t); user != "ada" {
						t.Errorf("after the grace: signed in is %v", user)
					}
				}, onSchedule)
			})
		})
	}
}

// A session may be renewed again before the grace period is over.
func TestStore_RenewedTwiceInTheGrace(t *testing.T) {
	const often = 10 * time.Second
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		first := s.with(t, cookieName+"="+ada.cookie(t))
		for range 2 {
			s.clock.advance(often)
			ada.set(t, "cart", 3)
		}
		now := s.row(t, ada.cookie(t)).SID
		if v := first.set(t, "note", "hello"); v.session.ID != now || v.session.Values["cart"] != 3 {
			t.Errorf("id %q, want %q; values %v", v.session.ID, now, v.session.Values)
		}
		if note := ada.read(t)["note"]; note != "hello" {
			t.Errorf("note = %v", note)
		}
		if record, _, err := s.store.Inspect(t.Context(), s.row(t, first.old()).SID); err != nil || record.SID != now {
			t.Errorf("Inspect: %+v, %v", record, err)
		}
		s.wantOnly(t, now)
		if err := revokeOne(t.Context(), s.store, "ada", s.row(t, first.old()).SID); err != nil {
			t.Error(err)
		}
		s.wantDead(t, ada.cookie(t))
		s.wantDead(t, first.old())
	}, func(o *sessionstore.Options) { o.RenewAfter = often })
}
