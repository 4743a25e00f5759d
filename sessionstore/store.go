package sessionstore

import (
	"net/http"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
)

// Store keeps sessions in the table sessions. It is safe for concurrent use.
// The zero value is not usable; see [New].
type Store struct {
	opts    Options
	keys    []keys // of Options.Secrets, in their order
	rows    *table
	touches touches

	warnOnce sync.Once // see warnOfUserKey
}

var _ sessions.Store = (*Store)(nil)

// New returns a store over an open connection to a database with the table sessions;
// package migrations makes it. It starts no goroutine; see [Store.Run]. It returns an
// error for invalid options, such as no secret or a short one.
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

// Get returns the request's session of that cookie name, the same one at every call
// for a request. The session is never nil. With an error, such as ErrUnavailable, it is
// empty and cannot be saved. A missing, forged, unknown or expired cookie is not an
// error: the session is new and empty.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	if (&http.Cookie{Name: name}).Valid() != nil {
		return s.New(r, name) // which says so; gorilla's registry takes no such name
	}
	registry := sessions.GetRegistry(r)
	_, err := registry.Get(maker{s}, name)
	made, ok := err.(madeBy)
	if !ok { // another store's, under the same name; gorilla has made it ours
		return sessions.NewSession(&bound{Store: s, err: ErrForeign}, name), ErrForeign
	}
	session, _ := registry.Get(made.bound, name) // its store is now the one that knows it
	if made.Store != s {
		return sessions.NewSession(&bound{Store: s, err: ErrForeign}, name), ErrForeign
	}
	return session, made.err
}

// New is Get that reads the session again at every call.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	return (&bound{Store: s}).New(r, name)
}

// Save writes the session if it changed, and sets its cookie if that changed. Call it
// before the header of the response is written. If it returns ErrEnded, ErrConflict,
// ErrValue, ErrBearer or ErrUnavailable, it changed nothing. It returns ErrForeign for
// a session of another store.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	return b.Save(r, w, session)
}

// boundOf returns what the store knows about a session.
func boundOf(session *sessions.Session) (*bound, error) {
	if session != nil {
		if b, ok := session.Store().(*bound); ok && (b.session == session || b.err != nil) {
			return b, nil
		}
	}
	return nil, ErrForeign
}

// Gorilla's registry keeps a session and the error of its New for the request, but
// resets the session's store at every Get. So the bound of a session is found by that
// error.
type (
	// maker is the store that makes sessions for the registry.
	maker struct{ *Store }
	// madeBy is the error that comes with them.
	madeBy struct{ *bound }
)

func (m maker) New(r *http.Request, name string) (*sessions.Session, error) {
	b := &bound{Store: m.Store}
	session, _ := b.New(r, name) // b keeps its error
	return session, madeBy{b}
}

func (madeBy) Error() string { return ErrForeign.Error() }

func (madeBy) Unwrap() error { return ErrForeign }
