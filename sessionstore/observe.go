package sessionstore

import (
	"time"
)

// An Event is an operation that the store reports to [Options].Observe. It contains no
// secrets and no values.
//
// Op is one of
//   - "load": Get queried the session of a cookie or token with a valid signature
//   - "save": a session or an access token was written
//   - "conflict": Save met a concurrent change, and merges it
//   - "revoke": sessions were deleted by a sign-out, Revoke, RevokeAll or MaxPerUser
//   - "touch": last_seen_at was written
//   - "cleanup": a batch of expired sessions was deleted, or there were none
type Event struct {
	Op     string
	SID    string        // "" if the operation is not about a single session
	UserID string        // "" if unknown, or not about a single user
	Count  int           // number of sessions; 0 if none was found, and with an Err
	Took   time.Duration // how long the operation took
	Err    error         // nil if the operation succeeded
}

// The operations; see Event.
const (
	opLoad     = "load"
	opSave     = "save"
	opConflict = "conflict"
	opRevoke   = "revoke"
	opTouch    = "touch"
	opCleanup  = "cleanup"
)
