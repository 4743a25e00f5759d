package sessionstore

import (
	"context"
	"time"
)

// An Event is what [Options].Observe is told. It holds no secret.
type Event struct {
	Op     Op
	SID    string        // of the session, if it is about one
	UserID string        // of the session's user, if known
	Count  int           // how many sessions were loaded, saved, ended, touched or deleted; 0 with an Err
	Took   time.Duration // how long it took
	Err    error         // why it failed
}

// Op is what the store did.
type Op string

const (
	// OpLoad looked for the session of a cookie that is rightly signed. Its
	// Count is 1 when there was one. Cookies that are not cause no event.
	OpLoad Op = "load"
	// OpSave wrote a session: a new one, a changed one or a renewed one.
	OpSave Op = "save"
	// OpConflict met, while it saved, what another request had just written,
	// and merges its changes over that.
	OpConflict Op = "conflict"
	// OpEnd ended sessions: signed out, revoked, or over Options.MaxPerUser.
	OpEnd Op = "end"
	// OpTouch wrote down when sessions were last seen.
	OpTouch Op = "touch"
	// OpCleanup deleted a batch of expired sessions.
	OpCleanup Op = "cleanup"
)

// observe tells the observer of something that began at a time.
func (s *Store) observe(ctx context.Context, began time.Time, e Event) {
	e.Took = time.Since(began)
	if e.Err != nil {
		e.Count = 0
	}
	s.opts.Observe(ctx, e)
}
