package sessionstore

import (
	"fmt"
	"net/http"
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
}

var _ sessions.Store = (*Store)(nil)

// New returns a store over an open connection, whose database has the table
// sessions (migration create_sessions). It starts nothing; see [Store.Run].
// It fails on options that make no sense: no secret, a short one, a negative
// time.
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

// Get returns the request's session of that cookie name: the same one however
// often it is called for one request. The session is never nil. With an error,
// which is ErrUnavailable or says that the name is no cookie's, it is empty and
// refuses to be saved. A missing, forged, unknown or expired cookie is no error:
// the session is new and empty.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	if (&http.Cookie{Name: name}).Valid() != nil {
		return s.New(r, name) // which says so; gorilla's registry takes no such name
	}
	registry := sessions.GetRegistry(r)
	own, err := s.ownSession(registry, name)
	if err != nil {
		return sessions.NewSession(&bound{Store: s, err: err}, name), err
	}
	session, err := registry.Get(own, name)
	if session != own.session { // another store's, under the same name; gorilla has made it ours
		return sessions.NewSession(&bound{Store: s, err: ErrForeign}, name), ErrForeign
	}
	return session, err
}

// New reads the session of that cookie name anew, without regard to Get. For
// the rest it is as Get.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	return (&bound{Store: s}).New(r, name)
}

// Save writes the session back if it changed, and sets its cookie if that
// changed. It must come before the response's header is written. It changes
// nothing and returns ErrEnded, ErrConflict, ErrTooLarge, a *ValueError or
// ErrUnavailable when it cannot; and ErrForeign for a session that neither
// Get nor New of this package made.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	return b.Save(r, w, session)
}

// boundOf finds what is known of a session beside its Values.
func boundOf(session *sessions.Session) (*bound, error) {
	if session != nil {
		if b, ok := session.Store().(*bound); ok && (b.session == session || b.err != nil) {
			return b, nil
		}
	}
	return nil, ErrForeign
}

// ownSession returns what this store keeps of the request's session. Gorilla's
// registry resets a session's store at every Get, so that what belongs to the
// session is kept in the registry too, under a name of its own.
func (s *Store) ownSession(registry *sessions.Registry, name string) (*bound, error) {
	shelf, err := registry.Get(shelf{}, name+".latchkey")
	if err != nil {
		return nil, fmt.Errorf("sessionstore: %w", err)
	}
	b, ok := shelf.Values[s].(*bound)
	if !ok {
		b = &bound{Store: s}
		shelf.Values[s] = b
	}
	return b, nil
}

// shelf is the store of the registry's entries in which ownSession keeps what
// it keeps. There is nothing in them to load or save.
type shelf struct{}

func (shelf) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(shelf{}, name)
}

func (shelf) New(_ *http.Request, name string) (*sessions.Session, error) {
	return sessions.NewSession(shelf{}, name), nil
}

func (shelf) Save(*http.Request, http.ResponseWriter, *sessions.Session) error { return nil }
