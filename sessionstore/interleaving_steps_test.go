package sessionstore_test

import (
	"errors"
	"slices"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
)

// proceed takes the next step of a request: a change, or a Save.
func (in *interleaving) proceed(q *openRequest) {
	switch n := in.IntN(100); {
	case n < 42:
		in.save(q)
	case n < 62:
		in.written++
		in.set(q, pick(in, []string{"a", "b", "c"}), in.written)
	case n < 72:
		in.delete(q, pick(in, []string{"a", "b", "c"}))
	case n < 76:
		in.set(q, userKey, pick(in, []string{"ada", "bob"}))
	case n < 78:
		in.delete(q, userKey)
	case n < 90:
		in.signIn(q, pick(in, []string{"ada", "bob"}), in.IntN(4) == 0)
	case n < 94:
		in.step("%s: signs out", q.name)
		in.signOut(q)
	default:
		in.renew(q)
	}
}

func (in *interleaving) set(q *openRequest, key string, value any) {
	in.step("%s: sets %s to %v", q.name, key, value)
	q.session.Values[key], q.model.values[key] = value, value
}

func (in *interleaving) delete(q *openRequest, key string) {
	in.step("%s: deletes %s", q.name, key)
	delete(q.session.Values, key)
	delete(q.model.values, key)
}

func (in *interleaving) renew(q *openRequest) {
	in.step("%s: renews", q.name)
	if err := sessionstore.Renew(q.session); err != nil {
		in.failf("%v", err)
	}
	q.model.renew = true
}

func (in *interleaving) signOut(q *openRequest) {
	if err := sessionstore.SignOut(q.session); err != nil {
		in.failf("%v", err)
	}
	q.model.signOut()
}

func (in *interleaving) signIn(q *openRequest, user string, remember bool) {
	in.step("%s: signs in as %s, remembered: %v", q.name, user, remember)
	err := sessionstore.SignIn(q.session, sessionstore.Login{UserID: user, Method: "password", Remember: remember})
	if err != nil {
		in.failf("%v", err)
	}
	q.model.signIn(user, remember)
}

// save saves the session. Usually this is the last step of the request.
func (in *interleaving) save(q *openRequest) {
	in.step("%s: saves", q.name)
	before := q.w.Header().Get("Set-Cookie")
	err := in.store.Save(q.r, q.w, q.session)
	fate := in.model.save(q.model, q.session.ID)
	in.steps[len(in.steps)-1] += ", should have " + string(fate)
	if errors.Is(err, sessionstore.ErrEnded) != (fate == ended) || err != nil && fate != ended {
		in.failf("save: %v", err)
	}
	in.checkCookie(q, fate, before)
	if fate != ended {
		in.checkRequest(q)
	}
	if in.IntN(3) > 0 {
		in.open = slices.DeleteFunc(in.open, func(other *openRequest) bool { return other == q })
	}
}

// How much time passes between steps: either around the grace period or around
// the lifetime. Many durations end exactly at a limit.
var paces = [][]time.Duration{
	{time.Second, oftenRenewal, oftenRenewal, oftenRenewal, sessionstore.RenewalGrace, modelTouch},
	{modelTouch, 10 * time.Minute, 40 * time.Minute, 40 * time.Minute, modelIdle, modelLifetime},
}

func (in *interleaving) wait() {
	d := pick(in, in.pace)
	in.step("%v later", d)
	in.model.clock.advance(d)
}

// cleanUp checks that Cleanup deletes exactly the expired rows.
func (in *interleaving) cleanUp() {
	in.step("cleanup")
	n, err := in.store.Cleanup(in.Context(), 1000)
	in.wantCount(int64(n), err, in.model.cleanUp())
}

// revoke revokes sessions from outside of their requests.
func (in *interleaving) revoke() {
	user := pick(in, []string{"ada", "bob"})
	switch n := in.IntN(10); {
	case n < 4 && len(in.cookies) > 0:
		in.revokeOne(user, pick(in, in.cookies))
	case n < 7 && len(in.open) > 0:
		in.revokeOthers(pick(in, in.open))
	case n < 9:
		in.step("all sessions of %s are revoked", user)
		n, err := revokeUser(in.Context(), in.store, user)
		in.wantCount(n, err, in.model.end(func(s *modelSession) bool { return s.user == user }))
	default:
		in.revokeAll()
	}
}

func (in *interleaving) revokeOne(user, cookie string) {
	in.step("%s is revoked for %s", in.nameOf(cookie), user)
	err := revokeOne(in.Context(), in.store, user, sidIn(cookie))
	if revoked := in.model.revoke(user, sidIn(cookie)); revoked && err != nil ||
		!revoked && !errors.Is(err, sessionstore.ErrNotFound) {
		in.failf("revoke: %v, want it done: %v", err, revoked)
	}
}

func (in *interleaving) revokeOthers(q *openRequest) {
	in.step("%s: revokes the others", q.name)
	n, err := revokeOthers(in.Context(), in.store, q.session)
	at, user := q.model.at, q.model.user()
	if user == "" || at.sid == "" {
		if err == nil {
			in.failf("revoked the others of a session that is anonymous or new")
		}
		return
	}
	in.wantCount(n, err, in.model.end(func(s *modelSession) bool { return s.user == user && s.family != at.family }))
}

// revokeAll also deletes expired sessions, but keeps redirect rows.
func (in *interleaving) revokeAll() {
	in.step("all sessions are revoked")
	n, err := in.store.RevokeAll(in.Context())
	in.wantCount(n, err, in.model.end(func(*modelSession) bool { return true }))
}
