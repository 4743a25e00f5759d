package sessionstore

import (
	"context"
	"time"
)

// An Event is passed to [Options].Observe. It holds no secret.
//
// Op is one of
//   - "load": looked for the session of a valid cookie or token; Count is 1 if it exists
//   - "save": wrote a session
//   - "conflict": met a concurrent change while saving, and merges with it
//   - "revoke": ended sessions: signed out, revoked, or over Options.MaxPerUser
//   - "touch": wrote when sessions were last seen
//   - "cleanup": deleted a batch of expired sessions
type Event struct {
	Op     string
	SID    string        // of the session, if there is one in particular
	UserID string        // of its user, if known
	Count  int           // sessions loaded, saved, revoked, touched or deleted; 0 with an Err
	Took   time.Duration // how long it took
	Err    error         // why it failed
}

// The values of Event.Op.
const (
	opLoad     = "load"
	opSave     = "save"
	opConflict = "conflict"
	opRevoke   = "revoke"
	opTouch    = "touch"
	opCleanup  = "cleanup"
)

// observe reports an operation that began at a time.
func (s *Store) observe(ctx context.Context, began time.Time, e Event) {
	e.Took = time.Since(began)
	if e.Err != nil {
		e.Count = 0
	}
	s.opts.Observe(ctx, e)
}
