// Package config reads the settings, once, and refuses unsafe ones.
//
// Settings come from the environment. Those that are not set there come from the
// file .env, or from .env.test in tests. See .env.example for all of them.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/signin"
)

// The values of GO_ENV.
const (
	Development = "development"
	Test        = "test"
	Staging     = "staging"
	Production  = "production"
)

// Config holds all settings. Nothing changes it after Load.
type Config struct {
	Env            string            // GO_ENV
	Addr           string            // ADDR and PORT, to listen on
	Host           *url.URL          // HOST: the URL in browsers; empty if not set
	TrustedProxies []netip.Prefix    // TRUSTED_PROXIES
	BypassAuth     bool              // BYPASS_AUTH
	Providers      []signin.Settings // <PROVIDER>_KEY, _SECRET and _URL, OPENID_CONNECT_*
	Session        Session
	Database       *pop.ConnectionDetails // DATABASE_URL, or TEST_DATABASE_URL
	LogLevel       slog.Level             // LOG_LEVEL
	LogFormat      string                 // LOG_FORMAT: text or json
	Warnings       []string               // for the log: settings that have no effect
}

// Session holds the settings for sessions.
type Session struct {
	Secrets          [][]byte      // SESSION_SECRET: the first signs, all verify
	Name             string        // SESSION_NAME
	Lifetime         time.Duration // SESSION_LIFETIME
	IdleTimeout      time.Duration // SESSION_IDLE_TIMEOUT; at most Lifetime
	RememberLifetime time.Duration // SESSION_REMEMBER_LIFETIME; at least Lifetime
	FreshFor         time.Duration // SESSION_FRESH_FOR: how long a sign-in counts as recent
	MaxPerUser       int           // SESSION_MAX_PER_USER; 0 means no limit
	Encrypt          bool          // SESSION_ENCRYPT
}

// The first three are limits of NIST SP 800-63B-4: the inactivity and overall limits
// of AAL2, and the overall limit of AAL1.
const (
	defaultIdleTimeout      = time.Hour
	defaultLifetime         = 24 * time.Hour
	defaultRememberLifetime = 30 * 24 * time.Hour
	defaultFreshFor         = 10 * time.Minute
)

// Load reads the settings. The error is one line that names the setting, says what is
// wrong with it and gives an example. It never contains a secret.
func Load() (Config, error) {
	if err := loadEnvironment(); err != nil {
		return Config{}, err
	}
	r := &reader{}
	env := r.env()
	if r.err != nil {
		return Config{}, r.err
	}
	return read(env)
}

// read reads the settings for one GO_ENV.
func read(env string) (Config, error) {
	r := &reader{}
	c := Config{Env: env}
	c.Addr = r.addr(c.Local())
	c.Host = r.host()
	c.TrustedProxies = r.prefixes("TRUSTED_PROXIES")
	c.BypassAuth = r.boolean("BYPASS_AUTH")
	c.Session = r.session(c.Local())
	c.Providers = r.providers(c.BaseURL())
	if len(c.Providers) > 0 && c.Host.Host == "" && !c.Local() {
		r.fail("HOST", "not set, but sign-in providers redirect to it", "HOST=https://app.example.com")
	}
	c.Database = r.database(c.Env)
	c.LogLevel = r.logLevel()
	c.LogFormat = r.oneOf("LOG_FORMAT", c.defaultLogFormat(), "text", "json")
	if c.BypassAuth && c.Env == Production {
		r.fail("BYPASS_AUTH", "true lets anyone sign in without a password, which is not allowed in production", "BYPASS_AUTH=false, or GO_ENV=staging")
	}
	c.Warnings = r.unknownSettings()
	return c, r.err
}

// Local reports whether this is development or test. Required settings have defaults
// there, and cookies are sent over plain http.
func (c Config) Local() bool { return c.Env == Development || c.Env == Test }

// BaseURL returns HOST, or the address that the app listens on, without a slash at the
// end.
func (c Config) BaseURL() string { return c.BaseURLFor(c.Addr) }

// BaseURLFor is BaseURL for a request. If HOST is not set, it uses the request's host.
func (c Config) BaseURLFor(host string) string {
	switch {
	case c.Host.Host != "":
		return c.Host.String()
	case c.Secure():
		return "https://" + host
	}
	return "http://" + host
}

// Secure reports whether browsers reach the app over https only.
func (c Config) Secure() bool { return !c.Local() || c.Host.Scheme == "https" }

// CookieName returns the name of the session cookie. Over https it starts with __Host-,
// so that no other host can set the cookie (RFC 6265bis, 4.1.3.2).
func (c Config) CookieName() string {
	if c.Secure() {
		return "__Host-" + c.Session.Name
	}
	return c.Session.Name
}

func (c Config) defaultLogFormat() string {
	if c.Local() {
		return "text"
	}
	return "json"
}

func (r *reader) env() string {
	if testing.Testing() {
		return Test // even if GO_ENV says otherwise, because tests empty tables
	}
	return r.oneOf("GO_ENV", Development, Development, Test, Staging, Production)
}

func (r *reader) addr(local bool) string {
	host := r.text("ADDR", "0.0.0.0")
	if local {
		host = r.text("ADDR", "127.0.0.1")
	}
	if strings.Contains(host, ":") && net.ParseIP(host) == nil {
		r.fail("ADDR", fmt.Sprintf("invalid address %q: must be a host name or an IP address, without a port", host), "ADDR=127.0.0.1 PORT=3000")
	}
	return net.JoinHostPort(host, r.port())
}

// host returns a base URL, or an empty one if HOST is not set.
func (r *reader) host() *url.URL {
	u, err := url.Parse(r.text("HOST", ""))
	if err == nil && *u == (url.URL{}) {
		return u
	}
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) ||
		*u != (url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}) && *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		r.fail("HOST", "invalid URL: must be http:// or https:// and a host, without a path", "HOST=https://app.example.com")
		return &url.URL{}
	}
	u.Path = ""
	return u
}

func (r *reader) session(local bool) Session {
	s := Session{
		Secrets:    r.secrets(local),
		Name:       r.text("SESSION_NAME", "session"),
		Lifetime:   r.duration("SESSION_LIFETIME", defaultLifetime),
		FreshFor:   r.duration("SESSION_FRESH_FOR", defaultFreshFor),
		MaxPerUser: r.number("SESSION_MAX_PER_USER"),
		Encrypt:    r.boolean("SESSION_ENCRYPT"),
	}
	s.IdleTimeout = r.idleTimeout(s.Lifetime)
	s.RememberLifetime = r.rememberLifetime(s.Lifetime)
	// Browsers treat names that start with __Host- or __Secure- differently; CookieName
	// adds the right prefix.
	if (&http.Cookie{Name: s.Name}).Valid() != nil || strings.HasPrefix(s.Name, "__") {
		r.fail("SESSION_NAME", fmt.Sprintf("invalid cookie name %q: must be letters, digits, - and _, and must not start with __", s.Name), "SESSION_NAME=session")
	}
	return s
}

// idleTimeout refuses a timeout longer than the lifetime: it would have no effect.
func (r *reader) idleTimeout(lifetime time.Duration) time.Duration {
	const name = "SESSION_IDLE_TIMEOUT"
	fallback := min(defaultIdleTimeout, lifetime)
	d := r.duration(name, fallback)
	if d > lifetime {
		r.fail(name, fmt.Sprintf("%s is longer than SESSION_LIFETIME (%s), so it would have no effect", d, lifetime), fmt.Sprintf("%s=%s", name, fallback))
	}
	return d
}

// rememberLifetime refuses a time shorter than the lifetime: a user who chose to stay
// signed in would be signed out earlier than others.
func (r *reader) rememberLifetime(lifetime time.Duration) time.Duration {
	const name = "SESSION_REMEMBER_LIFETIME"
	fallback := max(defaultRememberLifetime, lifetime)
	d := r.duration(name, fallback)
	if d < lifetime {
		r.fail(name, fmt.Sprintf("%s is shorter than SESSION_LIFETIME (%s)", d, lifetime), fmt.Sprintf("%s=%s", name, fallback))
	}
	return d
}
