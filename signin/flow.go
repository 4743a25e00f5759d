package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// AttemptLifetime is how long somebody may take at a provider.
	AttemptLifetime = 10 * time.Minute
	// maxAttempts is how many a browser may have open: enough for tabs, and few
	// enough for the headers of its requests.
	maxAttempts = 5
	// attemptPrefix begins the names of the cookies; some characters of the state
	// follow.
	attemptPrefix = "signin-"
	stateInName   = 8
	// maxCookie is what browsers keep of a cookie with all that belongs to it, in
	// bytes (RFC 6265, 6.1).
	maxCookie = 4096
)

var (
	// ErrUnknown says that there is no such provider.
	ErrUnknown = errors.New("no such provider")

	// ErrLost says that an answer belongs to no attempt of this browser: the
	// attempt is too old, was finished before, was another browser's, or cookies
	// are switched off.
	ErrLost = errors.New("the sign-in was not begun here, or is over")

	// ErrDenied says that the user, or the provider, chose not to go on.
	ErrDenied = errors.New("the sign-in was cancelled at the provider")

	// ErrProvider says that the provider does not answer, or that its answer must
	// not be trusted.
	ErrProvider = errors.New("the provider cannot be used")

	// ErrNoProof says that the provider was asked when somebody proved who he is,
	// for a fresh sign-in, and does not say it. It is no ErrProvider: to try again
	// helps nobody. See Settings.Untimed.
	ErrNoProof = errors.New("the provider does not say when the user proved who he is")
)

// Once remembers what may be used once. Implementations must be safe for
// concurrent use, by several programs too.
type Once interface {
	// Spend reports whether id is used for the first time. It need not remember
	// it beyond until.
	Spend(ctx context.Context, id string, until time.Time) (first bool, err error)

	// IsSpent reports whether id was used before, and does not use it.
	IsSpent(ctx context.Context, id string) (bool, error)
}

// A Flow takes browsers to providers and back. It is safe for concurrent use.
type Flow struct {
	Providers []*Provider // in the order of their labels
	sealer    sealer
	once      Once
	secure    bool
	now       func() time.Time
}

// Options say how a [Flow] behaves. Secrets and Once are required.
type Options struct {
	Secrets  [][]byte         // the first encrypts attempts, all decrypt
	Once     Once             // keeps an answer from being used twice
	Insecure bool             // cookies over plain http; for development
	MaxAge   time.Duration    // how long ago a provider may have had proof of who somebody is; default 30 days
	Now      func() time.Time // the clock; default time.Now
}

// defaultMaxAge is the default of Options.MaxAge.
const defaultMaxAge = 30 * 24 * time.Hour

// New returns a flow over providers. It asks nothing of the network.
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
	f := &Flow{sealer: sealer, once: o.Once, secure: !o.Insecure, now: o.Now}
	client := newClient()
	for _, s := range providers {
		f.Providers = append(f.Providers, newProvider(s, client, o.MaxAge, o.Now))
	}
	slices.SortFunc(f.Providers, func(a, b *Provider) int { return strings.Compare(a.Label, b.Label) })
	return f, nil
}

// Provider returns the provider of that name, or ErrUnknown.
func (f *Flow) Provider(name string) (*Provider, error) {
	i := slices.IndexFunc(f.Providers, func(p *Provider) bool { return p.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("provider %q: %w", name, ErrUnknown)
	}
	return f.Providers[i], nil
}

// A Wish is what somebody wants of a sign-in, remembered while he is away.
type Wish struct {
	ReturnTo string `json:"r,omitempty"` // a path of this app
	Remember bool   `json:"m,omitempty"`
	Fresh    bool   `json:"f,omitempty"` // to show who he is, although the provider knows
	LinkTo   string `json:"l,omitempty"` // the user to whom the identity is to belong
	User     string `json:"u,omitempty"` // with Fresh: the user who is to show it
}

// attempt is what the cookie holds.
type attempt struct {
	Wish
	Provider string `json:"p"`
	State    string `json:"s"`
	Session  string `json:"g"` // goth's
	Began    int64  `json:"b"` // Unix time
}

// Start begins a sign-in: it sets the attempt's cookie and returns where to send
// the browser. It returns ErrUnknown, or ErrProvider with what is wrong.
func (f *Flow) Start(w http.ResponseWriter, r *http.Request, provider string, wish Wish) (string, error) {
	p, err := f.Provider(provider)
	if err != nil {
		return "", err
	}
	state := rand.Text()
	session, err := p.begin(r.Context(), state, wish.Fresh)
	if err != nil {
		return "", fmt.Errorf("start sign-in with %s: %w: %w", provider, ErrProvider, clipped{err})
	}
	target, err := session.GetAuthURL()
	if err != nil {
		return "", fmt.Errorf("start sign-in with %s: %w: %w", provider, ErrProvider, err)
	}
	f.makeRoom(w, r)
	err = f.keep(w, attempt{Wish: wish, Provider: provider, State: state, Session: session.Marshal(), Began: f.now().Unix()})
	return target, err
}

// Finish takes a browser back, with the answer of a provider. It returns who it
// is and what was wished for. Its error is ErrUnknown, ErrLost, ErrDenied,
// ErrProvider or ErrNoProof, with the wish as far as it is known, or the error of
// Once. The attempt is over in any case but the last: then the same answer may come
// again.
func (f *Flow) Finish(w http.ResponseWriter, r *http.Request, provider string, params url.Values) (Identity, Wish, error) {
	id, wish, err := f.finish(w, r, provider, params)
	if err != nil {
		return Identity{}, wish, fmt.Errorf("finish sign-in with %s: %w", provider, err)
	}
	return id, wish, nil
}

func (f *Flow) finish(w http.ResponseWriter, r *http.Request, provider string, params url.Values) (id Identity, wish Wish, err error) {
	p, err := f.Provider(provider)
	if err != nil {
		return id, wish, err
	}
	a, ok := f.take(w, r, provider, params.Get("state"))
	if !ok {
		return id, wish, ErrLost
	}
	until := time.Unix(a.Began, 0).Add(AttemptLifetime + clockSkew)
	first, err := f.once.Spend(r.Context(), "state "+a.State, until)
	if err != nil {
		return id, a.Wish, err
	}
	f.endCookie(w, f.cookieName(a.State))
	if !first {
		return id, a.Wish, ErrLost
	}
	if err := p.checkIssuer(r.Context(), params); err != nil {
		return id, a.Wish, fmt.Errorf("%w: %w", ErrProvider, clipped{err})
	}
	if code := params.Get("error"); code != "" {
		return id, a.Wish, refusal(code)
	}
	if params.Get("code") == "" {
		return id, a.Wish, fmt.Errorf("%w: the answer has no code", ErrProvider)
	}
	session, err := p.goth.UnmarshalSession(a.Session)
	if err != nil {
		return id, a.Wish, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	id, err = p.finish(r.Context(), session, params)
	if errors.Is(err, ErrNoProof) {
		return id, a.Wish, err
	}
	if err != nil {
		return id, a.Wish, fmt.Errorf("%w: %w", ErrProvider, clipped{err})
	}
	return id, a.Wish, nil
}

// refusal is the error for one that the provider sent (RFC 6749, 4.1.2.1). Its
// text is not for people: an attacker can write it.
func refusal(code string) error {
	denials := []string{"access_denied", "user_cancelled_login", "user_cancelled_authorize", "user_cancelled_authorization", "consent_required", "interaction_required", "login_required"}
	if slices.Contains(denials, code) {
		return ErrDenied
	}
	return fmt.Errorf("%w: it answers %.60q", ErrProvider, code)
}

// cookieName is the name of an attempt's cookie.
func (f *Flow) cookieName(state string) string {
	name := attemptPrefix + state[:min(stateInName, len(state))]
	if f.secure {
		return "__Host-" + name
	}
	return name
}

// keep puts an attempt into its cookie. One that browsers would not keep goes
// without the place to return to.
func (f *Flow) keep(w http.ResponseWriter, a attempt) error {
	c, err := f.cookieOf(a)
	if err != nil {
		return err
	}
	if len(c.String()) > maxCookie {
		a.ReturnTo = ""
		if c, err = f.cookieOf(a); err != nil {
			return err
		}
	}
	http.SetCookie(w, c)
	return nil
}

func (f *Flow) cookieOf(a attempt) (*http.Cookie, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // it would be longer
	if err := encoder.Encode(a); err != nil {
		return nil, fmt.Errorf("keep sign-in: %w", err)
	}
	name := f.cookieName(a.State)
	return f.cookie(name, f.sealer.seal(name, plain.Bytes()), int(AttemptLifetime/time.Second)), nil
}

// take returns the attempt that an answer belongs to, and ends the cookie of one
// that is too old.
func (f *Flow) take(w http.ResponseWriter, r *http.Request, provider, state string) (a attempt, ok bool) {
	name := f.cookieName(state)
	cookies := r.CookiesNamed(name)
	if state == "" || len(cookies) == 0 {
		return a, false
	}
	plain, ok := f.sealer.open(name, cookies[0].Value)
	if !ok || len(cookies) > 1 {
		return a, false
	}
	if err := json.Unmarshal(plain, &a); err != nil {
		return a, false // of another version
	}
	if subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) != 1 || a.Provider != provider {
		return attempt{}, false
	}
	if f.now().Unix()-a.Began > int64(AttemptLifetime/time.Second) {
		f.endCookie(w, name)
		return attempt{}, false
	}
	return a, true
}

// makeRoom ends attempts of the browser when there are too many. Which of them
// are the oldest nobody knows: their cookies are.
func (f *Flow) makeRoom(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, f.cookieName("")) {
			names = append(names, c.Name)
		}
	}
	// Browsers send the oldest cookies first (RFC 6265, 5.4).
	for _, name := range names[:max(0, len(names)-maxAttempts+1)] {
		f.endCookie(w, name)
	}
}

func (f *Flow) endCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, f.cookie(name, "", -1))
}

func (f *Flow) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode,
	}
}
