package sessionstore_test

import (
	"maps"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
)

// The limits of the modeled stores are close together, so that short runs reach
// all of them.
const (
	modelIdle     = time.Hour
	modelLifetime = 90 * time.Minute
	modelRemember = 6 * time.Hour
	modelTouch    = time.Minute
	userKey       = sessionstore.DefaultUserKey
)

// A model describes what a store should do if no two Saves overlapped. It has no
// versions, retries or queries.
type model struct {
	clock      *clock
	renewAfter time.Duration
	sessions   map[string]*modelSession // sid → session, also a dead one until Cleanup
	graces     map[string]grace         // sid that was renewed on schedule → where to
}

type modelSession struct {
	sid, family, user             string
	values                        map[any]any // as acknowledged last
	remembered                    bool
	gotSID                        time.Time
	lastSeen, deadline, expiresAt time.Time
}

// A grace lets the cookie of a renewed session keep working for a short time.
type grace struct {
	to    string
	until time.Time
}

// A modelRequest is the state of one request, and what it is about to do.
type modelRequest struct {
	at              modelSession // its session as last read or written; no sid: none
	known, values   map[any]any  // then, and as the request has changed it
	signsIn         bool
	remember, renew bool
	signsOut        bool
	forgets         bool // signed out before it signed in
	ended           bool // Save has said so
}

// A saveResult is the outcome of a Save.
type fate string

const (
	kept    fate = "kept its cookie"
	begun   fate = "got a new cookie"
	dropped fate = "signed out"
	ended   fate = "reported ErrEnded"
)

func newModel(clock *clock, renewAfter time.Duration) *model {
	return &model{clock: clock, renewAfter: renewAfter,
		sessions: make(map[string]*modelSession), graces: make(map[string]grace)}
}

// now is the current time in the precision of the databases.
func (m *model) now() time.Time { return m.clock.Now().Truncate(time.Microsecond) }

// find returns the live session of a sid, or nil. It follows renewals.
func (m *model) find(sid string) *modelSession {
	for {
		if s := m.sessions[sid]; s != nil && s.expiresAt.After(m.now()) {
			return s
		}
		g, ok := m.graces[sid]
		if !ok || !g.until.After(m.now()) {
			return nil
		}
		sid = g.to
	}
}

// use records activity in the session.
func (m *model) use(s *modelSession) {
	s.lastSeen, s.expiresAt = m.now(), s.deadline
	if idle := s.lastSeen.Add(modelIdle); !s.remembered && idle.Before(s.deadline) {
		s.expiresAt = idle
	}
}

func (m *model) due(s *modelSession) bool {
	return m.renewAfter > 0 && s.user != "" && m.now().Sub(s.gotSID) >= m.renewAfter
}

// load starts a request that sends the cookie of sid.
func (m *model) load(sid string) *modelRequest {
	q := &modelRequest{known: make(map[any]any), values: make(map[any]any)}
	s := m.find(sid)
	if s == nil {
		return q
	}
	if m.now().Sub(s.lastSeen) >= modelTouch {
		m.use(s)
	}
	q.at, q.known, q.values = *s, maps.Clone(s.values), maps.Clone(s.values)
	return q
}

func (q *modelRequest) user() string {
	user, _ := q.values[userKey].(string)
	return user
}

func (q *modelRequest) signIn(user string, remember bool) {
	for _, other := range []string{q.at.user, q.user()} {
		if other != "" && other != user {
			clear(q.values)
		}
	}
	q.values[userKey] = user
	q.forgets = q.forgets || q.signsOut
	q.signsIn, q.remember, q.renew, q.signsOut = true, remember, false, false
}

// signOut clears the values. Values that are set afterwards start a new session.
func (q *modelRequest) signOut() {
	clear(q.values)
	q.signsIn, q.remember, q.renew, q.signsOut, q.forgets = false, false, false, true, false
}

// save returns the expected outcome of the store's Save. fresh is the sid of the
// session if Save gives it a new one.
func (m *model) save(q *modelRequest, fresh string) fate {
	if q.ended && !q.signsIn && !q.signsOut {
		return ended
	}
	if q.signsOut || q.at.user != "" && len(q.values) == 0 {
		m.signOut(q)
		if len(q.values) == 0 {
			return dropped
		}
	}
	if !m.writes(q) {
		q.signsIn, q.remember, q.renew, q.forgets = false, false, false, false
		return kept
	}
	s := m.find(q.at.sid)
	if s == nil && q.at.sid != "" {
		if q.reads() {
			return kept
		}
		if !q.begins() || q.user() == "" || !q.signsIn && q.at.user != "" {
			q.ended = true
			return ended
		}
		q.keepOwn()
	}
	if s == nil {
		s = &modelSession{values: make(map[any]any)}
	}
	return m.write(q, s, fresh)
}

// keepOwn keeps only what this request set itself, and its user. A user who has
// just signed in gets a session, but nothing from the one that ended.
func (q *modelRequest) keepOwn() {
	user := q.user()
	maps.DeleteFunc(q.values, func(key, value any) bool { return q.known[key] == value })
	q.values[userKey] = user
	q.known, q.ended = nil, false
}

// reads reports whether a request changes nothing. Such a request does not fail
// because of a renewal that it did not ask for.
func (q *modelRequest) reads() bool {
	return !q.begins() && !q.renew && maps.Equal(q.known, q.values)
}

func (q *modelRequest) begins() bool { return q.signsIn || q.user() != q.at.user }

// writes reports whether Save has anything to write.
func (m *model) writes(q *modelRequest) bool {
	if q.at.sid == "" {
		return !maps.Equal(q.known, q.values)
	}
	return !q.reads() || m.due(&q.at)
}

// write applies the changes of a request to the session.
func (m *model) write(q *modelRequest, s *modelSession, fresh string) fate {
	old := s.sid
	if s.user != "" && s.user != q.user() {
		s.values = maps.Clone(q.values) // what another left is not for this one
	} else {
		s.merge(q.known, q.values)
	}
	switch {
	case old == "" || q.begins():
		m.begin(q, s, fresh)
	case q.renew:
		s.sid, s.gotSID = fresh, m.now()
	case m.due(s):
		s.sid, s.gotSID = fresh, m.now()
		m.graces[old] = grace{to: fresh, until: m.now().Add(sessionstore.RenewalGrace)}
	}
	m.use(s)
	delete(m.sessions, old)
	m.sessions[s.sid] = s
	q.at, q.known = *s, maps.Clone(q.values)
	q.signsIn, q.remember, q.renew, q.forgets = false, false, false, false
	if s.sid == old {
		return kept
	}
	return begun
}

// merge applies only the changes between known and values.
func (s *modelSession) merge(known, values map[any]any) {
	for key := range known {
		if _, there := values[key]; !there {
			delete(s.values, key)
		}
	}
	for key, value := range values {
		if known[key] != value {
			s.values[key] = value
		}
	}
}

// begin handles a sign-in, a change of user, and the first value of a visitor.
func (m *model) begin(q *modelRequest, s *modelSession, fresh string) {
	if s.family == "" || s.user != q.user() {
		s.family, s.user, s.remembered = fresh, q.user(), false
	}
	s.remembered = (s.remembered && !q.forgets || q.remember) && q.user() != ""
	s.sid, s.gotSID = fresh, m.now()
	s.deadline = m.now().Add(modelLifetime)
	if s.remembered {
		s.deadline = m.now().Add(modelRemember)
	}
}

// signOut deletes the session of a request. A user's session is found even if it
// has a new sid.
func (m *model) signOut(q *modelRequest) {
	q.signsIn, q.remember, q.renew, q.signsOut, q.forgets = false, false, false, false, false
	at := q.at
	q.at, q.known, q.ended = modelSession{}, nil, false
	if at.sid == "" {
		return
	}
	if m.sessions[at.sid] != nil {
		delete(m.sessions, at.sid)
	} else {
		m.end(func(s *modelSession) bool { return s.user == at.user && s.family == at.family })
	}
}

// revokeWhere deletes the sessions that match, and returns how many.
func (m *model) end(which func(*modelSession) bool) int {
	before := len(m.sessions)
	maps.DeleteFunc(m.sessions, func(_ string, s *modelSession) bool { return which(s) })
	return before - len(m.sessions)
}

// revoke deletes the user's session that a sid leads to, if any.
func (m *model) revoke(user, sid string) bool {
	for m.sessions[sid] == nil {
		g, ok := m.graces[sid]
		if !ok || !g.until.After(m.now()) {
			return false
		}
		sid = g.to
	}
	return m.end(func(s *modelSession) bool { return s.sid == sid && s.user == user }) == 1
}

// cleanUp deletes expired sessions and grace periods, and returns how many.
func (m *model) cleanUp() int {
	before := len(m.graces)
	maps.DeleteFunc(m.graces, func(_ string, g grace) bool { return !g.until.After(m.now()) })
	return before - len(m.graces) + m.end(func(s *modelSession) bool { return !s.expiresAt.After(m.now()) })
}

// live returns the number of live sessions.
func (m *model) live() (n int64) {
	for _, s := range m.sessions {
		if s.expiresAt.After(m.now()) {
			n++
		}
	}
	return n
}
