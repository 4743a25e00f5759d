package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var (
	// ErrUnknownProvider is returned for a provider that is not configured.
	ErrUnknownProvider = errors.New("unknown provider")

	// ErrNoAttempt is returned for a response without an attempt of this browser: the attempt
	// has expired, was finished before or is another browser's, or cookies are disabled.
	ErrNoAttempt = errors.New("no sign-in attempt matches: it has expired, was finished, or started in another browser")

	// ErrDenied is returned if the user or the provider cancelled the sign-in.
	ErrDenied = errors.New("sign-in cancelled at the provider")

	// ErrProvider is returned if the provider does not respond, or if its response must not
	// be trusted.
	ErrProvider = errors.New("provider failed")

	// ErrNoAuthTime is returned for a re-authentication if the provider does not say when
	// the user authenticated. Unlike after ErrProvider, trying again does not help. See
	// Settings.NoAuthTime.
	ErrNoAuthTime = errors.New("the provider does not say when the user authenticated")
)

// A ReplayGuard remembers what may be used only once. Implementations must be safe for
// concurrent use, also by several programs.
type ReplayGuard interface {
	// Use reports whether id is used for the first time, and remembers it at least
	// until the given time.
	Use(ctx context.Context, id string, until time.Time) (first bool, err error)

	// IsUsed reports whether id was used before. It does not use it.
	IsUsed(ctx context.Context, id string) (bool, error)
}

// A Flow sends browsers to providers and handles their responses. It is safe for
// concurrent use.
type Flow struct {
	Providers []*Provider // sorted by label
	sealer    sealer
	guard     ReplayGuard
	secure    bool
	now       func() time.Time
}

// Options configure a [Flow]. Secrets and ReplayGuard are required.
type Options struct {
	Secrets     [][]byte         // the first encrypts attempts, all decrypt
	ReplayGuard ReplayGuard      // so that a response cannot be used twice
	Insecure    bool             // allows cookies over plain http, for development
	MaxAge      time.Duration    // how long ago the user may have authenticated at the provider; default 30 days
	Now         func() time.Time // the clock; default time.Now
}

// defaultMaxAge is the default of Options.MaxAge.
const defaultMaxAge = 30 * 24 * time.Hour

// New returns a flow for providers. It makes no network requests.
func New(providers []Settings, o Options) (*Flow, error) {
	sealer, err := newSealer(o.Secrets)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	f := &Flow{sealer: sealer, guard: o.ReplayGuard, secure: !o.Insecure, now: o.Now}
	client := newClient()
	for _, s := range providers {
		f.Providers = append(f.Providers, newProvider(s, client, o.MaxAge, o.Now))
	}
	slices.SortFunc(f.Providers, func(a, b *Provider) int { return strings.Compare(a.Label, b.Label) })
	return f, nil
}

// Provider returns the provider of that name, or ErrUnknownProvider.
func (f *Flow) Provider(name string) (*Provider, error) {
	i := slices.IndexFunc(f.Providers, func(p *Provider) bool { return p.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("provider %q: %w", name, ErrUnknownProvider)
	}
	return f.Providers[i], nil
}

// A LoginRequest is what the user asked for when the sign-in started. It is kept in the
// attempt's cookie.
type LoginRequest struct {
	ReturnTo string `json:"r,omitempty"` // a path of this app
	Remember bool   `json:"m,omitempty"`
	Fresh    bool   `json:"f,omitempty"` // re-authenticate, even if the user is signed in at the provider
	LinkTo   string `json:"l,omitempty"` // the user to link the identity to
	User     string `json:"u,omitempty"` // with Fresh: the user who must authenticate
}

// Start starts a sign-in: it sets the attempt's cookie and returns the URL to send the
// browser to. It returns ErrUnknownProvider or ErrProvider.
func (f *Flow) Start(w http.ResponseWriter, r *http.Request, provider string, request LoginRequest) (string, error) {
	p, err := f.Provider(provider)
	if err != nil {
		return "", err
	}
	state := rand.Text()
	session, err := p.begin(r.Context(), state, request.Fresh)
	if err != nil {
		return "", fmt.Errorf("start sign-in with %s: %w: %w", provider, ErrProvider, redacted{err})
	}
	target, err := session.GetAuthURL()
	if err != nil {
		return "", fmt.Errorf("start sign-in with %s: %w: %w", provider, ErrProvider, err)
	}
	f.makeRoom(w, r)
	err = f.keep(w, attempt{LoginRequest: request, Provider: provider, State: state, Session: session.Marshal(), Started: f.now().Unix()})
	return target, err
}

// Finish handles a provider's response. It returns the user's identity and the login
// request. It returns ErrUnknownProvider, ErrNoAttempt, ErrDenied, ErrProvider or ErrNoAuthTime, with
// the login request if it is known, or the replay guard's error. Only after the latter
// can the same response be used again.
func (f *Flow) Finish(w http.ResponseWriter, r *http.Request, provider string, params url.Values) (Identity, LoginRequest, error) {
	id, request, err := f.finish(w, r, provider, params)
	if err != nil {
		return Identity{}, request, fmt.Errorf("finish sign-in with %s: %w", provider, err)
	}
	return id, request, nil
}

func (f *Flow) finish(w http.ResponseWriter, r *http.Request, provider string, params url.Values) (id Identity, request LoginRequest, err error) {
	p, err := f.Provider(provider)
	if err != nil {
		return id, request, err
	}
	a, ok := f.take(w, r, provider, params.Get("state"))
	if !ok {
		return id, request, ErrNoAttempt
	}
	until := time.Unix(a.Started, 0).Add(AttemptLifetime + clockSkew)
	first, err := f.guard.Use(r.Context(), "state "+a.State, until)
	if err != nil {
		return id, a.LoginRequest, err
	}
	f.deleteCookie(w, f.cookieName(a.State))
	if !first {
		return id, a.LoginRequest, ErrNoAttempt
	}
	if err := p.checkIssuer(r.Context(), params); err != nil {
		return id, a.LoginRequest, fmt.Errorf("%w: %w", ErrProvider, redacted{err})
	}
	if code := params.Get("error"); code != "" {
		return id, a.LoginRequest, refusal(code)
	}
	if params.Get("code") == "" {
		return id, a.LoginRequest, fmt.Errorf("%w: no code in its response", ErrProvider)
	}
	session, err := p.goth.UnmarshalSession(a.Session)
	if err != nil {
		return id, a.LoginRequest, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	id, err = p.finish(r.Context(), session, params)
	if errors.Is(err, ErrNoAuthTime) {
		return id, a.LoginRequest, err
	}
	if err != nil {
		return id, a.LoginRequest, fmt.Errorf("%w: %w", ErrProvider, redacted{err})
	}
	return id, a.LoginRequest, nil
}

// refusal returns the error for an error code from the provider (RFC 6749, 4.1.2.1).
// Never show its text to users: an attacker can choose it.
func refusal(code string) error {
	denials := []string{"access_denied", "user_cancelled_login", "user_cancelled_authorize", "user_cancelled_authorization", "consent_required", "interaction_required", "login_required"}
	if slices.Contains(denials, code) {
		return ErrDenied
	}
	return fmt.Errorf("%w: it responded %.60q", ErrProvider, code)
}
