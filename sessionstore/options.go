package sessionstore

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
)

const (
	defaultIdleTimeout      = time.Hour           // NIST SP 800-63B-4, AAL2
	defaultLifetime         = 24 * time.Hour      // NIST SP 800-63B-4, AAL2, overall
	defaultRememberLifetime = 30 * 24 * time.Hour // NIST SP 800-63B-4, AAL1, overall

	// cleanupInterval is how often, on average, Run deletes expired sessions.
	cleanupInterval = 15 * time.Minute
	// maxBytes limits the encoded values of a session: far more than it should hold,
	// and less than every supported database takes.
	maxBytes = 64 << 10
	// touchesPerIdleTimeout is how often a session in use is written to: its idle
	// timeout is exact to one part in sixty.
	touchesPerIdleTimeout = 60
)

// userKeys are the keys in Values that hold the user's id by default: what most
// programs use, and what Buffalo's generators write.
var userKeys = []any{"user_id", "current_user_id"}

// Options configure a [Store]. Only Secrets is required.
type Options struct {
	// Secrets sign the cookies; each has at least 32 random bytes. The first one
	// signs, all verify. To rotate, put a new one in front, and remove the old one
	// after RememberLifetime. A session that arrives with a cookie signed by an
	// older secret gets a new cookie. An access token does not: it stops working
	// when its secret is removed. A cookie is valid under every cookie name; where
	// two names must be kept apart, use two stores with different secrets.
	Secrets [][]byte

	// Cookie has the attributes of every cookie that the store sets.
	Cookie Cookie

	// IdleTimeout is how long a session lasts without being used. Default 1 h.
	IdleTimeout time.Duration

	// Lifetime is how long a session lasts after it began or its user signed in,
	// used or not. Default 24 h.
	Lifetime time.Duration

	// RememberLifetime is how long a session lasts whose user asked to stay signed
	// in, used or not; see Login.Remember. Default 30 days.
	RememberLifetime time.Duration

	// RenewAfter gives a signed-in session a new sid and secret at the first Save
	// after they are that old. The old ones work for another 30 seconds, for
	// requests that were sent before the browser got the new ones. It is for
	// lifetimes of days. Default: never.
	RenewAfter time.Duration

	// MaxPerUser is how many sessions a user may have, access tokens included. A
	// sign-in or IssueToken beyond it revokes those that were used least recently.
	// Default: no limit.
	MaxPerUser int

	// Bearer accepts access tokens, as Authorization: Bearer; see [Store.IssueToken].
	// The cookie of a request with a token is ignored, and none is set. Multiple
	// Authorization headers and malformed tokens are treated as anonymous.
	Bearer bool

	// Encrypt encrypts the column data with keys derived from Secrets. It can be
	// switched on and off: each row is converted when it is next written.
	Encrypt bool

	// UserKey is the key in Values under which the program keeps the id of the
	// signed-in user. Its value, printed, is the column user_id, and the session is
	// renewed whenever it changes. Default: "user_id" and "current_user_id" both
	// count, in that order, and SignIn sets "user_id".
	UserKey any

	// Ignore reports values that are treated as absent and never stored, for
	// frameworks that put something into every session. Default: none.
	Ignore func(key, value any) bool

	// Adopt is the store that the program used before, such as a
	// [sessions.CookieStore]. Until AdoptUntil, a request without a session of this
	// store gets the values of its session there; the first Save moves them here.
	// Each old cookie is adopted once, so that signing out is final.
	Adopt sessions.Store

	// AdoptUntil ends the adoption. It is required with Adopt: old cookies are
	// accepted until then.
	AdoptUntil time.Time

	// FullRecord makes Get read everything that [Describe] returns, for programs
	// that show it in most responses. Default: Describe runs a query when it is
	// called, which makes all other requests faster.
	FullRecord bool

	// ClientIP returns the address that a request came from, for the column ip.
	// Default: the address of the connection, which behind a proxy is the proxy's.
	ClientIP func(*http.Request) string

	// Observe is called after each operation, for metrics. It must be fast and safe
	// for concurrent use. Default: nothing is called.
	Observe func(context.Context, Event)

	// Now is the clock. Default: time.Now.
	Now func() time.Time

	// Logger gets what cannot be returned to any caller. Default: slog.Default.
	Logger *slog.Logger

	touchInterval   time.Duration
	cleanupInterval time.Duration
	maxBytes        int
}

// Cookie has the attributes that a program can choose. Cookies are always HttpOnly.
type Cookie struct {
	Domain   string        // default: only the host that set it
	Path     string        // default "/"
	SameSite http.SameSite // default Lax
	Insecure bool          // also sent over plain http; for development
}

// withDefaults fills in the defaults and refuses invalid options.
func (o Options) withDefaults() (Options, error) {
	if min(o.IdleTimeout, o.Lifetime, o.RememberLifetime, o.RenewAfter) < 0 || o.MaxPerUser < 0 {
		return o, errors.New("sessionstore: Options has a negative time or number: use zero for the default")
	}
	if o.Adopt != nil && o.AdoptUntil.IsZero() {
		return o, errors.New("sessionstore: Options.Adopt needs AdoptUntil: set the date after which old cookies are refused")
	}
	setDefault(&o.IdleTimeout, defaultIdleTimeout)
	setDefault(&o.Lifetime, defaultLifetime)
	setDefault(&o.RememberLifetime, defaultRememberLifetime)
	setDefault(&o.cleanupInterval, cleanupInterval)
	setDefault(&o.touchInterval, o.IdleTimeout/touchesPerIdleTimeout)
	setDefault(&o.maxBytes, maxBytes)
	setDefault(&o.Cookie.Path, "/")
	setDefault(&o.Cookie.SameSite, http.SameSiteLaxMode)
	if o.Ignore == nil {
		o.Ignore = func(_, _ any) bool { return false }
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

// userKeys are the keys in Values that may hold the user's id.
func (o Options) userKeys() []any {
	if o.UserKey != nil {
		return []any{o.UserKey}
	}
	return userKeys
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
