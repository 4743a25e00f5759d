package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// An observer records the events of a store.
type observer struct {
	mu     sync.Mutex
	events []sessionstore.Event
	lost   int // came without the context of what they are about
}

func (o *observer) observe(ctx context.Context, e sessionstore.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ctx.Value(tallyKey{}) == nil {
		o.lost++
	}
	o.events = append(o.events, e)
}

// observed starts another server of the site, whose events are recorded.
func (s *site) observed(t *testing.T, edits ...func(*sessionstore.Options)) (*site, *observer) {
	t.Helper()
	o := new(observer)
	return s.instance(t, append(edits, func(opts *sessionstore.Options) { opts.Observe = o.observe })...), o
}

// take returns the events since the last call.
func (o *observer) take() []sessionstore.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	return events
}

// want compares the events since the last call. Durations must be positive.
// Errors are compared with errors.Is.
func (o *observer) want(t *testing.T, doing string, want ...sessionstore.Event) {
	t.Helper()
	got := o.take()
	for i := range got {
		if got[i].Took <= 0 {
			t.Errorf("%s: %s took %v", doing, got[i].Op, got[i].Took)
		}
		got[i].Took = 0
		if i < len(want) && want[i].Err != nil && errors.Is(got[i].Err, want[i].Err) {
			got[i].Err = want[i].Err
		}
	}
	if !slices.EqualFunc(got, want, func(a, b sessionstore.Event) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("%s: events\n%+v, want\n%+v", doing, got, want)
	}
	if o.lost > 0 {
		t.Errorf("%s: %d events came without their context", doing, o.lost)
	}
}

func event(op, sid, user string, count int) sessionstore.Event {
	return sessionstore.Event{Op: op, SID: sid, UserID: user, Count: count}
}

const (
	opLoad     = "load"
	opSave     = "save"
	opConflict = "conflict"
	opEnd      = "revoke"
	opTouch    = "touch"
	opCleanup  = "cleanup"
)

func (b *browser) sid(t *testing.T) string {
	t.Helper()
	sid, _, _ := strings.Cut(b.cookie(t), ".")
	return sid
}

func TestStore_Observe(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t)
		ada := s.browser(t)
		ada.read(t)
		o.want(t, "a visitor")
		ada.set(t, "cart", 1)
		anonymous := ada.sid(t)
		o.want(t, "a first value", event(opSave, anonymous, "", 1))
		ada.read(t)
		o.want(t, "an unchanged session", event(opLoad, anonymous, "", 1))
		ada.signIn(t, "ada")
		sid := ada.sid(t)
		o.want(t, "a sign-in", event(opLoad, anonymous, "", 1), event(opSave, sid, "ada", 1))
		ada.set(t, "cart", 2)
		o.want(t, "a change", event(opLoad, sid, "ada", 1), event(opSave, sid, "ada", 1))
		s.clock.advance(touchInterval)
		ada.read(t)
		o.want(t, "a visit later", event(opLoad, sid, "ada", 1), event(opTouch, "", "", 1))
		cookie := ada.cookie(t)
		ada.change(t, signOut)
		o.want(t, "a sign-out", event(opLoad, sid, "ada", 1), event(opEnd, sid, "ada", 1))
		s.with(t, cookieName+"="+cookie).read(t)
		o.want(t, "a dead cookie", event(opLoad, sid, "", 0))
		for i := range cookie {
			s.with(t, cookieName+"="+tampered(cookie, i)).read(t)
		}
		o.want(t, "forged cookies")
	})
}

// A request with the old sid of a renewed session reports the session's current
// sid.
func TestStore_ObserveRenewal(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t, func(opts *sessionstore.Options) { opts.RenewAfter = touchInterval / 2 })
		ada := s.browser(t)
		ada.signIn(t, "ada")
		first, old := ada.sid(t), ada.cookie(t)
		s.clock.advance(touchInterval / 2)
		o.take()
		ada.read(t)
		second := ada.sid(t)
		o.want(t, "a renewal", event(opLoad, first, "ada", 1), event(opSave, second, "ada", 1))
		s.with(t, cookieName+"="+old).read(t)
		o.want(t, "the old cookie", event(opLoad, second, "ada", 1))
	})
}

func TestStore_ObserveConflict(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t)
		ada := s.browser(t)
		ada.signIn(t, "ada")
		sid := ada.sid(t)
		o.take()
		v := ada.while(t, func(session *sessions.Session) { session.Values["a"] = 1 }, func() { ada.set(t, "b", 2) })
		if v.saveErr != nil {
			t.Fatal(v.saveErr)
		}
		loaded, saved := event(opLoad, sid, "ada", 1), event(opSave, sid, "ada", 1)
		o.want(t, "two at once", loaded, loaded, saved, event(opConflict, sid, "ada", 1), saved)
	})
}

// A revocation reports the sid if it is about one session, and the user if known.
func TestStore_ObserveEnds(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t)
		ctx := s.queries.context(t.Context())
		browsers := make([]*browser, 7)
		for i := range browsers {
			browsers[i] = s.browser(t)
			browsers[i].signIn(t, "ada")
		}
		for range 3 {
			s.browser(t).set(t, "cart", 1)
		}
		v := browsers[2].change(t, nil)
		o.take()
		one, two := browsers[0].sid(t), browsers[1].sid(t)
		if err := revokeOne(ctx, s.store, "ada", one); err != nil {
			t.Error(err)
		}
		o.want(t, "Revoke", event(opEnd, one, "ada", 1))
		if err := revokeSID(ctx, s.store, two); err != nil {
			t.Error(err)
		}
		o.want(t, "RevokeSID", event(opEnd, two, "", 1))
		if _, err := revokeOthers(ctx, s.store, v.session); err != nil {
			t.Error(err)
		}
		o.want(t, "RevokeOthers", event(opEnd, "", "ada", 4))
		if _, err := revokeUser(ctx, s.store, "ada"); err != nil {
			t.Error(err)
		}
		o.want(t, "RevokeUser", event(opEnd, "", "ada", 1))
		if _, err := s.store.RevokeAll(ctx); err != nil {
			t.Error(err)
		}
		o.want(t, "RevokeAll", event(opEnd, "", "", 3))
	})
}

func TestStore_ObserveMaxPerUser(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for range 3 {
			s.browser(t).signIn(t, "ada")
		}
		s.clock.advance(time.Second)
		s, o := s.observed(t, func(opts *sessionstore.Options) { opts.MaxPerUser = 1 })
		ada := s.browser(t)
		ada.signIn(t, "ada")
		o.want(t, "a sign-in over the limit", event(opEnd, "", "ada", 3), event(opSave, ada.sid(t), "ada", 1))
	})
}

func TestStore_ObserveCleanup(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t)
		ctx := s.queries.context(t.Context())
		for range 3 {
			s.browser(t).signIn(t, "ada")
		}
		s.clock.advance(idle)
		o.take()
		for _, want := range []int{2, 1, 0} {
			if _, err := s.store.Cleanup(ctx, 2); err != nil {
				t.Error(err)
			}
			o.want(t, "Cleanup", event(opCleanup, "", "", want))
		}
	})
}

// Every operation reports that the database is unavailable.
func TestStore_ObserveDatabaseAway(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s, o := s.observed(t)
		ctx := s.queries.context(t.Context())
		ada := s.browser(t)
		ada.signIn(t, "ada")
		sid := ada.sid(t)
		o.take()
		failed := func(op, sid, user string) sessionstore.Event {
			return sessionstore.Event{Op: op, SID: sid, UserID: user, Err: sessionstore.ErrUnavailable}
		}
		closeIt := func() { _ = s.conn.Close() } // more than once
		ada.while(t, func(session *sessions.Session) { session.Values["cart"] = 1 }, closeIt)
		o.wantFailed(t, "a change", event(opLoad, sid, "ada", 1), failed(opSave, sid, "ada"))
		ada.visit(t, nil)
		o.wantFailed(t, "a visit", failed(opLoad, sid, ""))
		s.browser(t).visit(t, signInAs("bob"))
		o.wantFailed(t, "a sign-in", failed(opSave, "", ""))
		_, _ = s.store.Cleanup(ctx, 1)
		o.wantFailed(t, "Cleanup", failed(opCleanup, "", ""))
		_, _ = revokeUser(ctx, s.store, "ada")
		o.wantFailed(t, "RevokeUser", failed(opEnd, "", "ada"))
	})
}

// wantFailed is want for events with any error, because the causes differ between
// drivers. Count must be 0.
func (o *observer) wantFailed(t *testing.T, doing string, want ...sessionstore.Event) {
	t.Helper()
	o.mu.Lock()
	for i := range o.events {
		if o.events[i].Err != nil {
			o.events[i].Err = fmt.Errorf("%w: %w", sessionstore.ErrUnavailable, o.events[i].Err)
		}
	}
	o.mu.Unlock()
	o.want(t, doing, want...)
}
