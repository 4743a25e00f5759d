// Package config reads the settings, once, and refuses what is unsafe.
//
// Settings come from the environment through envy; what is not there comes
// from the file .env, or .env.test while testing. See .env.example for all of
// them.
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

// Config holds every setting of the app. It is read once and not changed.
type Config struct {
	Env            string            // GO_ENV
	Addr           string            // ADDR and PORT, to listen on
	Host           *url.URL          // HOST: where people reach the app; empty if not set
	TrustedProxies []netip.Prefix    // TRUSTED_PROXIES
	BypassAuth     bool              // BYPASS_AUTH
	Providers      []signin.Settings // <PROVIDER>_KEY, _SECRET and _URL, OPENID_CONNECT_*
	Session        Session
	Database       *pop.ConnectionDetails // DATABASE_URL, or TEST_DATABASE_URL
	LogLevel       slog.Level             // LOG_LEVEL
	LogFormat      string                 // LOG_FORMAT: text or json
}

// Session holds the settings of the sessions.
type Session struct {
	Secrets          [][]byte      // SESSION_SECRET: the first signs, all verify
	Name             string        // SESSION_NAME
	IdleTimeout      time.Duration // SESSION_IDLE_TIMEOUT
	Lifetime         time.Duration // SESSION_LIFETIME
	RememberLifetime time.Duration // SESSION_REMEMBER_LIFETIME; never shorter than Lifetime
	FreshFor         time.Duration // SESSION_FRESH_FOR: how long a sign-in is recent
	MaxPerUser       int           // SESSION_MAX_PER_USER; 0 is no limit
	Encrypt          bool          // SESSION_ENCRYPT
}

// How long things last by default. The first three are the limits of NIST SP
// 800-63B-4: idle and overall at AAL2, and overall at AAL1.
const (
	defaultIdleTimeout      = time.Hour
	defaultLifetime         = 24 * time.Hour
	defaultRememberLifetime = 30 * 24 * time.Hour
	defaultFreshFor         = 10 * time.Minute // for which a sign-in counts as recent
)

// Load reads the settings. The error is one line that names the setting, says
// what is wrong with it and gives an example; it never holds a secret.
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

// read reads the settings as they are for a GO_ENV.
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
		r.fail("HOST", "not set, and providers send people back to it", "HOST=https://app.example.com")
	}
	c.Database = r.database(c.Env)
	c.LogLevel = r.logLevel()
	c.LogFormat = r.oneOf("LOG_FORMAT", c.defaultLogFormat(), "text", "json")
	if c.BypassAuth && c.Env == Production {
		r.fail("BYPASS_AUTH", "true lets anybody in, which production never allows", "BYPASS_AUTH=false, or GO_ENV=staging")
	}
	return c, r.err
}

// Local reports whether this is development or test, where a setting may be
// missing and cookies travel over plain http.
func (c Config) Local() bool { return c.Env == Development || c.Env == Test }

// BaseURL returns HOST, or the address that the app listens on. It does not end with
// a slash.
func (c Config) BaseURL() string { return c.BaseURLFor(c.Addr) }

// BaseURLFor is BaseURL, but without HOST it uses the host that a request was sent
// to.
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

// CookieName is the name of the session cookie. Over https the prefix __Host-
// has browsers see to it that no other host can set it (RFC 6265bis, 4.1.3.2).
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
		return Test // whatever GO_ENV says: tests empty tables
	}
	return r.oneOf("GO_ENV", Development, Development, Test, Staging, Production)
}

func (r *reader) addr(local bool) string {
	host := r.text("ADDR", "0.0.0.0")
	if local {
		host = r.text("ADDR", "127.0.0.1")
	}
	if strings.Contains(host, ":") && net.ParseIP(host) == nil {
		r.fail("ADDR", fmt.Sprintf("%q is no address without a port", host), "ADDR=127.0.0.1 PORT=3000")
	}
	return net.JoinHostPort(host, r.port())
}

// host returns a base URL, or an empty one where HOST is not set.
func (r *reader) host() *url.URL {
	u, err := url.Parse(r.text("HOST", ""))
	if err == nil && *u == (url.URL{}) {
		return u
	}
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) ||
		*u != (url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}) && *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		r.fail("HOST", "no base URL", "HOST=https://app.example.com")
		return &url.URL{}
	}
	u.Path = ""
	return u
}

func (r *reader) session(local bool) Session {
	s := Session{
		Secrets:     r.secrets(local),
		Name:        r.text("SESSION_NAME", "session"),
		IdleTimeout: r.duration("SESSION_IDLE_TIMEOUT", defaultIdleTimeout),
		Lifetime:    r.duration("SESSION_LIFETIME", defaultLifetime),
		FreshFor:    r.duration("SESSION_FRESH_FOR", defaultFreshFor),
		MaxPerUser:  r.number("SESSION_MAX_PER_USER"),
		Encrypt:     r.boolean("SESSION_ENCRYPT"),
	}
	s.RememberLifetime = r.rememberLifetime(s.Lifetime)
	// The prefixes promise browsers something; CookieName adds the right one.
	if (&http.Cookie{Name: s.Name}).Valid() != nil || strings.HasPrefix(s.Name, "__") {
		r.fail("SESSION_NAME", fmt.Sprintf("%q is no cookie name without a prefix", s.Name), "SESSION_NAME=session")
	}
	return s
}

// rememberLifetime is at least as long as the lifetime of every session:
// whoever asks to be remembered does not ask to be signed out earlier.
func (r *reader) rememberLifetime(lifetime time.Duration) time.Duration {
	const name = "SESSION_REMEMBER_LIFETIME"
	enough := max(defaultRememberLifetime, lifetime)
	d := r.duration(name, enough)
	if d < lifetime {
		r.fail(name, fmt.Sprintf("%s is shorter than SESSION_LIFETIME, %s: who asks to be remembered would be signed out earlier than others", d, lifetime), fmt.Sprintf("%s=%s", name, enough))
	}
	return d
}
