package sessionstore

import (
	"errors"
	"fmt"
)

var (
	// ErrUnavailable is returned when the database did not answer, so that nothing
	// is known about the session. Answer 503 Service Unavailable.
	ErrUnavailable = errors.New("session database unavailable")

	// ErrEnded is returned when the session was signed out, revoked or renewed, or
	// expired, while the request ran. Nothing was written.
	ErrEnded = errors.New("session has ended")

	// ErrConflict is returned when other requests changed the session so often that
	// this change could not be written.
	ErrConflict = errors.New("session is being changed by too many requests")

	// ErrValue is returned when a value cannot be stored: its type is not
	// registered with gob, the user's id is invalid, or all values together take
	// more than 64 KiB. The row does not change.
	ErrValue = errors.New("session value cannot be stored")

	// ErrNotFound is returned when there is no live session with that sid.
	ErrNotFound = errors.New("no such session")

	// ErrBearer is returned when a request with an access token tries what needs a
	// cookie: to sign in, to begin or renew a session, or to issue a token.
	ErrBearer = errors.New("an access token cannot begin or renew a session")

	// ErrForeign is returned for a session that another store made.
	ErrForeign = errors.New("session was made by another store: get it from this store")

	// ErrCursor is returned for a cursor that List did not return.
	ErrCursor = errors.New("invalid cursor: use one that List returned")
)

var errUserID = fmt.Errorf("a user id has 1 to %d characters, is valid UTF-8, has no control characters and does not end in a space", maxUserID)
