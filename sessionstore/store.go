package sessionstore

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
)

// What an Options field is when it is left zero.
const (
	// DefaultIdleTimeout is what NIST SP 800-63B-4 asks for at AAL2.
	DefaultIdleTimeout = time.Hour
	// DefaultLifetime is the overall limit of NIST SP 800-63B-4 at AAL2.
	DefaultLifetime = 24 * time.Hour
	// DefaultMaxBytes is far more than a session should hold, and well under
	// what every supported database takes.
	DefaultMaxBytes = 64 << 10
	// DefaultUserKey is the key in Values of the signed-in user's id.
	DefaultUserKey = "user_id"
)

// touchesPerIdleTimeout is how often an active session is written to by
// default: its idle timeout is exact to one part in sixty.
const touchesPerIdleTimeout = 60

// Options say how a [Store] behaves. Only Secrets is required.
type Options struct {
	// Secrets sign the cookies, each of 32 random bytes or more. The first
	// signs, all verify: put a new one in front, and drop the old one when
	// SESSION_LIFETIME has passed. A session that comes with a cookie signed
	// by an older one gets a new cookie.
	Secrets [][]byte

	// Insecure lets browsers send the cookie over plain http. For development.
	Insecure bool

	// IdleTimeout ends a session that nobody used for so long. Default 1 h.
	IdleTimeout time.Duration

	// Lifetime ends a session so long after it began or its user signed in,
	// used or not. Default 24 h.
	Lifetime time.Duration

	// TouchInterval is how far last_seen_at may lag behind, so that reading a
	// session writes nothing. Default: a sixtieth of IdleTimeout.
	TouchInterval time.Duration

	// MaxBytes limits the encoded data of one session. Default 64 KiB.
	MaxBytes int

	// UserKey is the key in Values under which the program keeps the id of the
	// signed-in user. Its value, printed, is the column user_id; when it
	// changes the session is renewed. Default "user_id".
	UserKey any

	// Transient reports values that are not worth a session: they count as
	// absent and are never stored. For frameworks that put something into
	// every session. Default: none are.
	Transient func(key, value any) bool

	// ClientIP says from where a request came, for the column ip. Default:
	// the address of the connection, which behind a proxy is the proxy's.
	ClientIP func(*http.Request) string

	// Now is the clock. Default: time.Now.
	Now func() time.Time

	// Logger is told of what no caller can be told of. Default: slog.Default.
	Logger *slog.Logger
}

// withDefaults fills in the defaults and refuses what makes no sense.
func (o Options) withDefaults() (Options, error) {
	if o.IdleTimeout < 0 || o.Lifetime < 0 || o.TouchInterval < 0 || o.MaxBytes < 0 {
		return o, errors.New("sessionstore: a negative time or size in Options")
	}
	setDefault(&o.IdleTimeout, DefaultIdleTimeout)
	setDefault(&o.Lifetime, DefaultLifetime)
	setDefault(&o.TouchInterval, o.IdleTimeout/touchesPerIdleTimeout)
	if o.TouchInterval >= o.IdleTimeout {
		return o, errors.New("sessionstore: Options.TouchInterval must be shorter than IdleTimeout, or sessions in use would end")
	}
	setDefault(&o.MaxBytes, DefaultMaxBytes)
	if o.UserKey == nil {
		o.UserKey = DefaultUserKey
	}
	if o.Transient == nil {
		o.Transient = func(_, _ any) bool { return false }
	}
	if o.ClientIP == nil {
		o.ClientIP = remoteIP
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Store keeps sessions in the table sessions. It is safe for concurrent use.
// The zero value is not usable; see [New].
type Store struct {
	opts    Options
	signers []signer
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
	signers, err := newSigners(opts.Secrets)
	if err != nil {
		return nil, err
	}
	rows, err := newTable(conn)
	if err != nil {
		return nil, err
	}
	return &Store{opts: opts, signers: signers, rows: rows}, nil
}

// now is the time as the database keeps it: UTC, to the microsecond.
func (s *Store) now() time.Time {
	return s.opts.Now().UTC().Truncate(time.Microsecond)
}

// expiry is when a session dies that is used at now and ends at deadline.
func (s *Store) expiry(now, deadline time.Time) time.Time {
	if idle := now.Add(s.opts.IdleTimeout); idle.Before(deadline) {
		return idle
	}
	return deadline
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
	return registry.Get(own, name)
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
		if b, ok := session.Store().(*bound); ok {
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
