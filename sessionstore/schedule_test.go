package sessionstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

const renewAfter = 40 * time.Minute

func onSchedule(o *sessionstore.Options) { o.RenewAfter = renewAfter }

// renewedOnSchedule signs ada in and renews her session when it is due. It
// returns her browser, and another one that still sends the cookie from before
// the renewal.
func (s *site) renewedOnSchedule(t *testing.T) (ada, late *browser) {
	t.Helper()
	ada = s.browser(t)
	ada.signIn(t, "ada")
	late = s.with(t, cookieName+"="+ada.cookie(t))
	s.clock.advance(renewAfter)
	if v := ada.change(t, nil); len(v.cookies) != 1 {
		t.Fatalf("not renewed: cookies %v", v.cookies)
	}
	return ada, late
}

// old is the cookie that the browser started with.
func (b *browser) old() string { return strings.TrimPrefix(b.header.Get("Cookie"), cookieName+"=") }

func TestStore_NoScheduleByDefault(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		first := ada.cookie(t)
		keepUsing(t, ada, func(session *sessions.Session) { session.Values["seen"] = s.clock.Now().String() })
		if ada.cookie(t) != first {
			t.Error("renewed without having been asked to")
		}
	})
}

func TestStore_RenewAfter(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 3)
		old := ada.cookie(t)
		s.clock.advance(renewAfter - instant)
		if v := ada.set(t, "cart", 4); len(v.cookies) != 0 {
			t.Errorf("renewed before it is due: %v", v.cookies)
		}
		before := s.row(t, old)
		s.clock.advance(instant)
		v := ada.change(t, nil)
		now := s.row(t, ada.cookie(t))
		if len(v.cookies) != 1 || v.session.ID != now.SID {
			t.Errorf("id %q, cookies %v", v.session.ID, v.cookies)
		}
		wantRenewedRow(t, before, now, renewAfter, idle)
		if got := ada.read(t); got["cart"] != 4 || got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
		if v := ada.set(t, "cart", 5); len(v.cookies) != 0 {
			t.Errorf("renewed once more: %v", v.cookies)
		}
		s.clock.advance(renewAfter)
		if v := ada.change(t, nil); len(v.cookies) != 1 {
			t.Errorf("not renewed when it was due again: %v", v.cookies)
		}
	}, onSchedule)
}

// The renewal also writes the changes of the request.
func TestStore_RenewAfterWithAChange(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 3)
		s.clock.advance(renewAfter)
		if v := ada.set(t, "theme", "dark"); len(v.cookies) != 1 {
			t.Errorf("cookies %v", v.cookies)
		}
		if got := ada.read(t); got["cart"] != 3 || got["theme"] != "dark" {
			t.Errorf("session holds %v", got)
		}
	}, onSchedule)
}

func TestStore_RenewAfterKeepsTheDeadline(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		first := ada.cookie(t)
		keepUsing(t, ada, nil)
		if ada.cookie(t) == first {
			t.Error("not renewed")
		}
		s.clock.advance(instant)
		s.wantDead(t, ada.cookie(t))
	}, onSchedule)
}

// Anonymous sessions are not renewed: they are not worth stealing.
func TestStore_RenewAfterAnonymous(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		b := s.browser(t)
		b.set(t, "cart", 3)
		s.clock.advance(renewAfter)
		if v := b.set(t, "cart", 4); len(v.cookies) != 0 {
			t.Errorf("cookies %v", v.cookies)
		}
		s.wantRows(t, 1)
	}, onSchedule)
}

// Requests that were sent with the old cookie during a renewal still find the
// session and can write to it. They get no cookie, because it might overwrite the
// one from the renewal.
func TestStore_RenewalGrace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		ada.set(t, "cart", 3)
		now := s.row(t, ada.cookie(t)).SID
		s.clock.advance(sessionstore.RenewalGrace - instant)
		v := late.set(t, "note", "hello")
		if len(v.cookies) != 0 || v.session.ID != now || v.session.IsNew || v.session.Values["cart"] != 3 {
			t.Errorf("with the old cookie: id %q, want %q; values %v, cookies %v", v.session.ID, now, v.session.Values, v.cookies)
		}
		if got := ada.read(t); got["note"] != "hello" || got["cart"] != 3 || got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
		if got := late.read(t); got["note"] != "hello" || got["user_id"] != "ada" {
			t.Errorf("with the old cookie: %v", got)
		}
		s.clock.advance(instant)
		s.wantDead(t, late.old())
		if user := ada.user(t); user != "ada" {
			t.Errorf("after the grace: %v is signed in", user)
		}
	}, onSchedule)
}

// The sid alone is not enough, even during the grace period.
func TestStore_RenewalGraceNeedsTheSecret(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, late := s.renewedOnSchedule(t)
		old, now := strings.Split(late.old(), "."), strings.Split(ada.cookie(t), ".")
		s.wantDead(t, sign(t, secret, old[0], now[1]))
		s.wantDead(t, sign(t, secret, now[0], old[1]))
	}, onSchedule)
}

// A request that is in progress while its session is renewed loses no changes and
// overwrites none.
func TestStore_RenewAfterMeanwhile(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		v := ada.while(t, func(session *sessions.Session) { session.Values["cart"] = 3 }, func() {
			s.clock.advance(renewAfter)
			if v := ada.set(t, "theme", "dark"); len(v.cookies) != 1 {
				t.Errorf("not renewed: %v", v.cookies)
			}
		})
		if v.saveErr != nil || len(v.cookies) != 0 {
			t.Errorf("Save: %v, cookies %v", v.saveErr, v.cookies)
		}
		if got := ada.read(t); got["cart"] != 3 || got["theme"] != "dark" || got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
	}, onSchedule)
}

// A cookie signed with an old secret is replaced, unless the browser has received
// a newer cookie in the meantime.
func TestStore_RenewAfterMeanwhileUnderAnOldSecret(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		both := ada.on(s.instance(t, onSchedule, secrets(newSecret, string(secret))))
		v := both.while(t, func(session *sessions.Session) { session.Values["cart"] = 3 }, func() {
			s.clock.advance(renewAfter)
			if v := both.change(t, nil); len(v.cookies) != 1 {
				t.Errorf("not renewed: %v", v.cookies)
			}
		})
		if v.saveErr != nil || len(v.cookies) != 0 {
			t.Errorf("Save: %v, cookies %v; want none", v.saveErr, v.cookies)
		}
		s.clock.advance(sessionstore.RenewalGrace)
		if got := both.read(t); got["user_id"] != "ada" || got["cart"] != 3 {
			t.Errorf("session holds %v", got)
		}
	}, onSchedule)
}

// visitsAtOnce is atOnce, alternating between two servers. It returns the
// results.
func (b *browser) visitsAtOnce(t *testing.T, other *site, requests int, change func(session *sessions.Session, request int)) []visit {
	t.Helper()
	visits := make([]visit, requests)
	var loaded, done group
	loaded.Add(requests)
	for i := range requests {
		on := b
		if i%2 == 1 {
			on = b.on(other)
		}
		done.Go(func() {
			visits[i] = on.visit(t, func(session *sessions.Session) {
				change(session, i)
				loaded.Done()
				loaded.Wait()
			})
		})
	}
	done.Wait()
	return visits
}

func TestStore_RenewAfterAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.clock.advance(renewAfter)
		set := 0
		for i, v := range ada.visitsAtOnce(t, s.instance(t, onSchedule), crowd, func(session *sessions.Session, i int) {
			session.Values[fmt.Sprintf("key %d", i)] = i
		}) {
			if v.getErr != nil || v.saveErr != nil {
				t.Errorf("request %d: Get: %v, Save: %v", i, v.getErr, v.saveErr)
			}
			set += len(v.cookies)
		}
		if set != 1 {
			t.Errorf("%d requests set a cookie, want 1", set)
		}
		if n, err := countAll(t.Context(), s.store); n != 1 || err != nil {
			t.Errorf("%d live sessions, %v; want 1", n, err)
		}
		s.wantRows(t, 2) // with the trace
		got := ada.read(t)
		for i := range crowd {
			if key := fmt.Sprintf("key %d", i); got[key] != i {
				t.Errorf("%s = %v", key, got[key])
			}
		}
		if len(got) != crowd+1 || got["user_id"] != "ada" {
			t.Errorf("session holds %v", got)
		}
	}, onSchedule)
}

// A request that changes nothing does not need the row, and must not fail because
// a scheduled renewal is impossible.
func TestStore_ScheduleAfterTheEnd(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		signsOut := func() { ada.change(t, signOut) }
		for name, step := range map[string]struct {
			handle func(*sessions.Session)
			want   error
		}{
			"Read":  {func(*sessions.Session) {}, nil},
			"Write": {func(session *sessions.Session) { session.Values["cart"] = 3 }, sessionstore.ErrEnded},
		} {
			ada.signIn(t, "ada")
			s.clock.advance(renewAfter)
			if v := ada.while(t, step.handle, signsOut); !errors.Is(v.saveErr, step.want) || len(v.cookies) != 0 {
				t.Errorf("%s: Save: %v, cookies %v; want %v and none", name, v.saveErr, v.cookies, step.want)
			}
		}
		if n, err := countAll(t.Context(), s.store); n != 0 || err != nil {
			t.Errorf("%d live sessions, %v; want none", n, err)
		}
	}, onSchedule)
}

// A read does not write if the session is not due for renewal.
func TestStore_NotDueIsNotWritten(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.queries.take()
		ada.read(t)
		s.queries.want(t, "a read", "SELECT")
	}, onSchedule)
}
