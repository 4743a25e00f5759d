package sessionstore

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// What an Options field is when it is left zero.
const (
	// DefaultIdleTimeout is what NIST SP 800-63B-4 asks for at AAL2.
	DefaultIdleTimeout = time.Hour
	// DefaultLifetime is the overall limit of NIST SP 800-63B-4 at AAL2.
	DefaultLifetime = 24 * time.Hour
	// DefaultRememberLifetime is the overall limit of NIST SP 800-63B-4 at AAL1.
	DefaultRememberLifetime = 30 * 24 * time.Hour
	// DefaultCleanupInterval is how long a dead session keeps its room.
	DefaultCleanupInterval = 15 * time.Minute
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
	// Secrets sign the cookies, each of 32 random bytes or more. A cookie is good
	// under every name that Get is asked for: where two names are to mean two
	// things, make two stores with secrets of their own. The first secret
	// signs, all verify: put a new one in front, and drop the old one when
	// the longest lifetime, RememberLifetime, has passed. A session that comes
	// with a cookie signed by an older one gets a new cookie; a bearer token
	// does not, and is dead when the secret that signed it is dropped.
	Secrets [][]byte

	// Insecure lets browsers send the cookie over plain http. For development.
	Insecure bool

	// IdleTimeout ends a session that nobody used for so long. Default 1 h.
	IdleTimeout time.Duration

	// Lifetime ends a session so long after it began or its user signed in,
	// used or not. Default 24 h.
	Lifetime time.Duration

	// RememberLifetime ends a session so long after its user signed in and asked
	// to be remembered, used or not; see [Remember]. Default 30 days.
	RememberLifetime time.Duration

	// Bearer lets programs present, as Authorization: Bearer, the value that
	// Issue returns or that a cookie has. For a request that does its cookie
	// does not count, and none is set or ended, whatever name Get is asked for;
	// RenewAfter does not apply, and Save returns ErrBearer instead of signing
	// somebody in. Two Authorization headers, or a token that is not one, are
	// nobody's. Default: Authorization is left to others.
	Bearer bool

	// RenewAfter gives a signed-in session a new sid and secret at the first
	// Save after the ones it has are that old. The old ones still work for
	// [RenewalGrace]. For lifetimes of days. Default: never.
	RenewAfter time.Duration

	// MaxPerUser is how many sessions one user may have. A sign-in, or Issue,
	// beyond it ends those that were used least recently. Default: no limit.
	MaxPerUser int

	// Encrypt has the column data encrypted, by keys derived from Secrets. What
	// is there in the clear is encrypted when it is written next; what is
	// encrypted is read whatever Encrypt says.
	Encrypt bool

	// TouchInterval is how far last_seen_at may lag behind, so that reading a
	// session writes nothing. Default: a sixtieth of IdleTimeout.
	TouchInterval time.Duration

	// CleanupInterval is how often, on average, Run deletes what has expired.
	// Default 15 min.
	CleanupInterval time.Duration

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

	// Eager reads all that Describe returns along with every session: for
	// programs that show it more often than not. Default: it is read when
	// something asks for it, which makes other reads faster.
	Eager bool

	// Observe, if given, is told of what the store did, as it happens: for
	// metrics. It must be safe for concurrent use and quick, for requests wait
	// for it. Default: nobody is told.
	Observe func(context.Context, Event)

	// Now is the clock. Default: time.Now.
	Now func() time.Time

	// Logger is told of what no caller can be told of. Default: slog.Default.
	Logger *slog.Logger
}

// withDefaults fills in the defaults and refuses what makes no sense.
func (o Options) withDefaults() (Options, error) {
	if min(o.IdleTimeout, o.Lifetime, o.RememberLifetime, o.RenewAfter, o.TouchInterval, o.CleanupInterval) < 0 ||
		min(o.MaxPerUser, o.MaxBytes) < 0 {
		return o, errors.New("sessionstore: a negative time or number in Options")
	}
	setDefault(&o.IdleTimeout, DefaultIdleTimeout)
	setDefault(&o.Lifetime, DefaultLifetime)
	setDefault(&o.RememberLifetime, DefaultRememberLifetime)
	setDefault(&o.CleanupInterval, DefaultCleanupInterval)
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
	if o.Observe == nil {
		o.Observe = func(context.Context, Event) {}
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
