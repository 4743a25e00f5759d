package sessionstore

import (
	"errors"
	"fmt"
)

var (
	// ErrUnavailable says that the database did not answer, so that nothing is
	// known of the session. The request should end in 503 Service Unavailable.
	ErrUnavailable = errors.New("session database unavailable")

	// ErrEnded says that the session was signed out, revoked, renewed or
	// expired while the request ran. Nothing was written.
	ErrEnded = errors.New("session has ended")

	// ErrConflict says that other requests changed the session so often that
	// this one's change could not be written.
	ErrConflict = errors.New("session is changed by too many requests at once")

	// ErrTooLarge says that the session's data would be over
	// [Options].MaxBytes. The row stays as it was.
	ErrTooLarge = errors.New("session data too large")

	// ErrNotFound says that there is no live session with that sid.
	ErrNotFound = errors.New("no such session")

	// ErrBearer says that a request with a bearer token asked for what only a
	// cookie can carry: to sign in, to begin or renew a session, or to change its
	// user. The row stays as it was.
	ErrBearer = errors.New("a bearer token can neither begin nor renew a session")

	// ErrForeign says that a session was not made by this package.
	ErrForeign = errors.New("session was not made by sessionstore: use Store.Get or Store.New")
)

var errUserID = fmt.Errorf("a user id has at most %d characters, no control characters, no space at its end, and valid UTF-8", maxUserID)

// A ValueError says which value of a session cannot be stored. The row stays
// as it was.
type ValueError struct {
	Key any   // the value's key in Values
	Err error // what is wrong with it
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("session value %v cannot be stored: %v", e.Key, e.Err)
}

func (e *ValueError) Unwrap() error { return e.Err }

// unavailable marks a failed query as ErrUnavailable, or as ErrConflict when it
// failed because of other requests only, and keeps its cause. SQLite that is still
// locked after all tries is another program's.
func unavailable(doing string, err error) error {
	if gaveWay(err) && !isLocked(err) {
		return fmt.Errorf("%s: %w: %w", doing, ErrConflict, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}
