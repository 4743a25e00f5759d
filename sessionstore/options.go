package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"time"

	"github.com/gorilla/sessions"
)

const (
	defaultIdleTimeout      = time.Hour           // NIST SP 800-63B-4, AAL2
	defaultLifetime         = 24 * time.Hour      // NIST SP 800-63B-4, AAL2, overall
	defaultRememberLifetime = 30 * 24 * time.Hour // NIST SP 800-63B-4, AAL1, overall

	// cleanupInterval is the average time between two cleanups of Run.
	cleanupInterval = 15 * time.Minute
	// maxBytes limits the encoded values of a session. It is far more than a session
	// should hold, and every supported database can store it.
	maxBytes = 64 << 10
	// touchesPerIdleTimeout keeps writes rare: a session may expire up to a sixtieth
	// of its idle timeout too early.
	touchesPerIdleTimeout = 60
)

// userKeys are the keys in Values that hold the user's id by default: the one that most
// programs use, and the one that the code of Buffalo's generators uses.
var userKeys = []any{"user_id", "current_user_id"}

// Options configure a [Store]. Only Secrets is required; zero fields have the defaults
// given here.
type Options struct {
	// Secrets sign the cookies. Each has at least 32 bytes, which must be random.
	// The first secret signs, all of them verify. To rotate, put a new secret in
	// front, and remove the old one after the longest of the lifetimes below. A
	// session whose cookie was signed with an older secret gets a new cookie at its
	// next Save. An access token does not: it stops working when its secret is
	// removed.
	//
	// A cookie is valid under every cookie name. If sessions of two names must be
	// kept apart, use two stores with different secrets.
	Secrets [][]byte

	// Cookie has the attributes of every cookie that the store sets.
	Cookie Cookie

	// IdleTimeout is how long a session lasts without being used. Default: 1 hour
	// (NIST SP 800-63B-4, AAL2).
	IdleTimeout time.Duration

	// Lifetime is how long a session lasts after it was created or its user signed
	// in, even if it is in use. Default: 24 hours (NIST SP 800-63B-4, AAL2).
	Lifetime time.Duration

	// RememberLifetime replaces IdleTimeout and Lifetime for sign-ins with
	// Login.Remember: such a session lasts that long, used or not. Default: 30 days
	// (NIST SP 800-63B-4, AAL1).
	RememberLifetime time.Duration

	// RenewAfter is the age at which the sid and the secret of a signed-in session
	// are replaced, by the next Save. It limits how long a stolen cookie is useful,
	// and is meant for lifetimes of days. The old cookie works for another 30
	// seconds, for requests that the browser sent before it got the new one.
	// Default: never.
	RenewAfter time.Duration

	// MaxPerUser is how many sessions a user may have, including access tokens. When
	// a sign-in or IssueToken exceeds it, the least recently used sessions are
	// revoked. Default: no limit.
	MaxPerUser int

	// Bearer accepts access tokens in the header Authorization: Bearer (RFC 6750,
	// 2.1); see [Store.IssueToken]. For a request with a token, cookies are ignored
	// and none is set. Multiple Authorization headers and malformed tokens are
	// treated as anonymous. Default: tokens are ignored.
	Bearer bool

	// Encrypt encrypts the values in the column data, with keys derived from
	// Secrets. You can turn it on or off at any time: each row is converted when it
	// is next written. Default: values are not encrypted.
	Encrypt bool

	// UserKey is the key in Values under which the program stores the id of the
	// signed-in user. The column user_id holds its value as text, formatted by
	// [fmt.Sprint]. When it changes, the session is renewed as [SignIn] describes.
	//
	// Default: "user_id" and "current_user_id". If a session has both, "user_id"
	// counts; so let the program use only one of them. SignIn sets "user_id".
	UserKey any

	// Ignore reports whether a value is treated as absent and never stored. It is
	// for frameworks that put something into every session, which would otherwise
	// give every visitor a row and a cookie. It must be safe for concurrent use.
	// Default: nothing is ignored.
	Ignore func(key, value any) bool

	// Adopt is the store that the program used before, such as a
	// [sessions.CookieStore]. Until AdoptUntil, a request without a session in this
	// store gets the values of its session in the old one, under the same cookie
	// name. The next Save moves them to this store; Record.AuthMethod is then
	// "adopted".
	//
	// Each old session is adopted only once. Until its user signs in or out, the old
	// cookie also works, and finds the adopted session; afterwards it is useless. A
	// session that is not adopted yet cannot be listed or revoked. Default: none.
	Adopt sessions.Store

	// AdoptUntil is when old cookies stop working. It is required with Adopt. Do not
	// move it to a later date: which old sessions were adopted or signed out is
	// forgotten at the first date, and their cookies would work again.
	AdoptUntil time.Time

	// FullRecord makes Get read everything that [Describe] returns. Set it if the
	// program calls Describe in most requests. Default: Describe runs a query of its
	// own, which makes all other requests faster.
	FullRecord bool

	// ClientIP returns the client's IP address, for the column ip. It must be safe
	// for concurrent use. Default: the address of the connection. Behind a proxy
	// that is the proxy's address, so set ClientIP there.
	ClientIP func(*http.Request) string

	// Observe is called after each operation, for metrics. The request waits for it,
	// so it must be fast. It must be safe for concurrent use. Default: none.
	Observe func(context.Context, Event)

	// Now is the clock, for tests. It must be safe for concurrent use. Default:
	// [time.Now].
	Now func() time.Time

	// Logger gets the errors that cannot be returned to a caller. Default:
	// [slog.Default].
	Logger *slog.Logger

	touchInterval   time.Duration
	cleanupInterval time.Duration
	maxBytes        int
}

// Cookie has the attributes of the cookies that the store sets. They are always
// HttpOnly. Browsers accept a cookie whose name starts with "__Host-" only if Domain, Path
// and Insecure have their defaults.
type Cookie struct {
	Domain   string        // default: only the host that set the cookie
	Path     string        // default: "/"
	SameSite http.SameSite // default: Lax
	Insecure bool          // no Secure attribute, for development over plain http
}

// withDefaults fills in the defaults and checks the options.
func (o Options) withDefaults() (Options, error) {
	if min(o.IdleTimeout, o.Lifetime, o.RememberLifetime, o.RenewAfter) < 0 || o.MaxPerUser < 0 {
		return o, errors.New("sessionstore: Options has a negative duration or number: use zero for the default")
	}
	if o.UserKey != nil && !reflect.TypeOf(o.UserKey).Comparable() {
		return o, fmt.Errorf("sessionstore: Options.UserKey is a %T, which cannot be a key of a map: use a string", o.UserKey)
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
