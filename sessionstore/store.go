package sessionstore

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
)

// Store keeps sessions in the table sessions. It is safe for concurrent use, also by
// several programs on one database. Create it with [New]; the zero value is not usable.
//
// A [sessions.Session] that it returns belongs to one request and is not safe for
// concurrent use. Neither are the functions that take a session, when they are called
// for the same one.
type Store struct {
	opts    Options
	keys    []keys // of Options.Secrets, in their order
	rows    *table
	touches touches

	warnOnce sync.Once // see warnOfUserKey
}

var _ sessions.Store = (*Store)(nil)

// New returns a store that uses conn. The connection must be open, and must stay open as
// long as the store is used. The database needs the table sessions, which package
// migrations creates. New runs no query and starts no goroutine; see [Store.Run].
//
// It returns an error for invalid options, such as a missing or short secret, and for a
// connection that is not open or has a dialect that the store does not support.
func New(conn *pop.Connection, opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	keys, err := newKeys(opts.Secrets)
	if err != nil {
		return nil, err
	}
	rows, err := newTable(conn)
	if err != nil {
		return nil, err
	}
	return &Store{opts: opts, keys: keys, rows: rows}, nil
}

// now is the time as the database keeps it: UTC, to the microsecond.
func (s *Store) now() time.Time {
	return s.opts.Now().UTC().Truncate(time.Microsecond)
}

// Get returns the session of the request's cookie with that name, or of its access token;
// see [Options].Bearer. All calls for one request return the same session. If the cookie
// or token is missing, forged, unknown or expired, that is not an error: the session is
// new and empty.
//
// The session is never nil. If there is an error, it is empty and Save refuses it, with
// the same error. The error is ErrUnavailable or, rarely, ErrConflict; ErrForeign if
// another store has already created a session with that name for this request; or another
// one for an invalid cookie name. A value that cannot be decoded is logged and left out of
// Values, but stays in the database.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	if (&http.Cookie{Name: name}).Valid() != nil {
		return s.New(r, name) // gorilla's registry would return a nil session
	}
	registry := sessions.GetRegistry(r)
	_, err := registry.Get(maker{s}, name)
	made, ok := err.(madeBy)
	if !ok { // another store created it, but gorilla has set its store to this one
		return sessions.NewSession(&bound{Store: s, err: ErrForeign}, name), ErrForeign
	}
	session, _ := registry.Get(made.bound, name) // sets session.Store() to its bound
	if made.Store != s {
		return sessions.NewSession(&bound{Store: s, err: ErrForeign}, name), ErrForeign
	}
	return session, made.err
}

// New is like Get, but loads the session again at every call.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	return (&bound{Store: s}).New(r, name)
}

// Save writes the session if it changed, and sets the cookie if that changed. Call it
// before you write the response. It is the same as session.Save(r, w). It takes at most
// 5 seconds, and finishes even if the client disconnects.
//
// A session with neither a row nor values is not written and gets no cookie. If
// session.Options.MaxAge is negative, or all values of a signed-in session were deleted,
// Save deletes the session and its cookie.
//
// It returns ErrEnded, ErrConflict, ErrValue, ErrBearer, ErrUnavailable or ErrForeign, or
// the error of Get if the session could not be loaded. The session is then not saved,
// except as ErrUnavailable describes; but after [SignOut], the user is signed out even if
// a value that was set afterwards cannot be saved.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	return b.Save(r, w, session)
}

// boundOf returns the bound of a session, or ErrForeign.
func boundOf(session *sessions.Session) (*bound, error) {
	if session != nil {
		if b, ok := session.Store().(*bound); ok && (b.session == session || b.err != nil) {
			return b, nil
		}
	}
	return nil, ErrForeign
}

// Gorilla's registry keeps each session of a request with the error that New returned,
// but overwrites the session's store at every Get. So that error carries the bound.
type (
	maker  struct{ *Store } // creates sessions for the registry
	madeBy struct{ *bound } // the error that New returns with them
)

func (m maker) New(r *http.Request, name string) (*sessions.Session, error) {
	b := &bound{Store: m.Store}
	session, _ := b.New(r, name) // b keeps its error
	return session, madeBy{b}
}

func (madeBy) Error() string { return ErrForeign.Error() }

func (madeBy) Unwrap() error { return ErrForeign }

// observe reports an operation that started at began.
func (s *Store) observe(ctx context.Context, began time.Time, e Event) {
	e.Took = time.Since(began)
	if e.Err != nil {
		e.Count = 0
	}
	s.opts.Observe(ctx, e)
}
