package sessionstore

import (
	"errors"
	"fmt"
)

var (
	// ErrUnavailable is returned when a query failed, usually because the database
	// is down. Respond with 503 Service Unavailable. If Save returns it, the change
	// may still have been written: the connection may have failed after that.
	ErrUnavailable = errors.New("session database unavailable")

	// ErrEnded is returned when the session was signed out, revoked or renewed, or
	// expired, while the request was being handled. Nothing was written. Let the
	// user try again.
	ErrEnded = errors.New("session has ended")

	// ErrConflict is returned when a change could not be written because other
	// requests kept changing the session. Nothing was written. Try again.
	ErrConflict = errors.New("too many requests are changing the session")

	// ErrValue is returned for input that the store cannot take: a value whose type
	// is not registered with gob, an invalid user id, values that take more than
	// 64 KiB together, or a cursor that List did not return. Nothing changes.
	ErrValue = errors.New("invalid value")

	// ErrNotFound is returned when no live session has that sid.
	ErrNotFound = errors.New("no such session")

	// ErrBearer is returned when a request with an access token tries to sign in,
	// to start or renew a session, or to issue a token. These need a cookie.
	ErrBearer = errors.New("not allowed with an access token: use a session with a cookie")

	// ErrForeign is returned for a session that this package did not create, or
	// that another [Store] created.
	ErrForeign = errors.New("session was created by another store: get it from this store")
)

var errUserID = fmt.Errorf("invalid user id: use 1 to %d characters of valid UTF-8, without control characters, that do not end in a space", maxUserID)
