package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/markbates/goth"
	"golang.org/x/oauth2"
)

const (
	// metadataLifetime is how long a discovery document is taken to be true.
	metadataLifetime = 24 * time.Hour
	// discoveryPause is how long a provider is left alone that did not answer.
	discoveryPause = 10 * time.Second
	// clockSkew is what clocks of providers may be wrong by.
	clockSkew = time.Minute
)

// openID is a provider of OpenID Connect, for goth. What it says of itself, in
// its discovery document, is read when it is needed first.
type openID struct {
	name     string
	settings Settings
	client   *http.Client
	maxAge   time.Duration
	now      func() time.Time

	mu       sync.Mutex
	found    *metadata
	failed   error
	lookedAt time.Time
}

var _ goth.Provider = (*openID)(nil)

func newOpenID(s Settings, client *http.Client, maxAge time.Duration, now func() time.Time) *openID {
	return &openID{settings: s, client: client, maxAge: maxAge, now: now}
}

// metadata is a discovery document, and what comes of it.
type metadata struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier

	Issuer             string `json:"issuer"`
	EndSessionEndpoint string `json:"end_session_endpoint"`
	NamesIssuer        bool   `json:"authorization_response_iss_parameter_supported"` // RFC 9207, 3
	UserInfoEndpoint   string `json:"userinfo_endpoint"`
	KeysEndpoint       string `json:"jwks_uri"`

	tenants bool // its issuer names no tenant; each token's does
}

// discover returns the provider's metadata. When it fails it fails at once for a
// moment, so that people do not wait, one after the other, for a provider that
// is down.
func (p *openID) discover() (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := p.now().Sub(p.lookedAt)
	if p.found != nil && age < metadataLifetime {
		return p.found, nil
	}
	if p.failed != nil && age < discoveryPause {
		return nil, p.failed
	}
	found, err := p.look()
	p.failed, p.lookedAt = err, p.now()
	if err == nil {
		p.found = found
	}
	return found, err
}

// down returns why the last discovery failed.
func (p *openID) down() error {
	if !p.mu.TryLock() {
		return nil // it is being asked; no page waits for that
	}
	defer p.mu.Unlock()
	if p.now().Sub(p.lookedAt) >= discoveryPause {
		return nil
	}
	return p.failed
}

// look reads the discovery document. The address may be spelled without the
// slash at its end; everything else of it is the issuer (OpenID Connect
// Discovery 1.0, 4.3).
func (p *openID) look() (*metadata, error) {
	ctx := p.context()
	provider, err := p.newProvider(ctx, p.settings.Address)
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) && mismatch.Discovered == p.settings.Address+"/" {
		provider, err = p.newProvider(ctx, mismatch.Discovered)
	}
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.settings.Address, err)
	}
	m := &metadata{provider: provider}
	if err := provider.Claims(m); err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.settings.Address, err)
	}
	if shared := p.sharedIssuers(); len(shared) > 0 {
		if !slices.Contains(shared, m.Issuer) {
			return nil, fmt.Errorf("discover %s: the document is of issuer %q", p.settings.Address, m.Issuer)
		}
		m.tenants = true
	}
	m.verifier = provider.VerifierContext(ctx, &oidc.Config{
		ClientID:        p.settings.Key,
		SkipIssuerCheck: m.tenants, // isIssuer does it
		Now:             func() time.Time { return p.now().Add(-clockSkew) },
	})
	for _, endpoint := range []string{provider.Endpoint().AuthURL, provider.Endpoint().TokenURL, m.KeysEndpoint, m.UserInfoEndpoint} {
		if endpoint != "" && !IsProviderURL(endpoint) {
			return nil, fmt.Errorf("discover %s: the endpoint %q is no https URL", p.settings.Address, endpoint)
		}
	}
	return m, nil
}

func (p *openID) newProvider(ctx context.Context, issuer string) (*oidc.Provider, error) {
	if len(p.sharedIssuers()) > 0 {
		ctx = oidc.InsecureIssuerURLContext(ctx, issuer) // look compares it
	}
	return oidc.NewProvider(ctx, issuer)
}

// personalTenant is Microsoft's one for personal accounts.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// sharedIssuers are what the discovery document may name as its issuer where the
// address is one of Microsoft's for several tenants. There are none where it is
// that of one tenant: then it is the issuer, as everywhere.
func (p *openID) sharedIssuers() []string {
	address, err := url.Parse(p.settings.Address)
	if err != nil || !p.settings.Kind.tenants {
		return nil
	}
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(address.Path, "/"), "/")
	of := func(other string) string { return address.Scheme + "://" + address.Host + "/" + other + "/" + rest }
	switch tenant {
	case "common", "organizations":
		return []string{of("{tenantid}")}
	case "consumers":
		return []string{of("{tenantid}"), of(personalTenant)}
	}
	return nil
}

// context carries the client to the libraries. Its requests end with the client's
// time-out: goth's interface knows no context.
func (p *openID) context() context.Context {
	return oidc.ClientContext(context.Background(), p.client)
}

// isIssuer reports whether tokens of this issuer are the provider's.
func (p *openID) isIssuer(m *metadata, issuer, tenant string) bool {
	if !m.tenants {
		return true // the verifier has compared it
	}
	return tenant != "" && !strings.ContainsAny(tenant, "/?#") && issuer == strings.ReplaceAll(m.Issuer, "{tenantid}", tenant)
}

func (p *openID) oauth(m *metadata) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "email"}
	if !p.settings.Kind.noProfile {
		scopes = append(scopes, "profile")
	}
	return &oauth2.Config{
		ClientID:     p.settings.Key,
		ClientSecret: p.settings.Secret,
		Endpoint:     m.provider.Endpoint(),
		RedirectURL:  p.settings.Callback,
		Scopes:       append(scopes, p.settings.Kind.scopes...),
	}
}

// FetchUser implements goth.Provider. It asks for what the ID token leaves out.
func (p *openID) FetchUser(session goth.Session) (goth.User, error) {
	s, ok := session.(*openIDSession)
	if !ok || s.token == nil {
		return goth.User{}, errors.New("fetch user: the attempt is not authorized")
	}
	m, err := p.discover()
	if err != nil {
		return goth.User{}, err
	}
	c := s.claims
	if c.Name == "" && m.UserInfoEndpoint != "" {
		if c, err = p.userInfo(m, s); err != nil {
			return goth.User{}, err
		}
	}
	user := goth.User{Provider: p.name, UserID: s.claims.Subject, Name: c.Name, NickName: c.Username}
	if user.NickName == "" {
		user.NickName = c.Nickname
	}
	if c.EmailVerified {
		user.Email = c.Email
	}
	return user, nil
}

// userInfo asks who the access token is for, who must be the one of the ID token
// (OpenID Connect Core 1.0, 5.3.2).
func (p *openID) userInfo(m *metadata, s *openIDSession) (c claims, err error) {
	info, err := m.provider.UserInfo(p.context(), oauth2.StaticTokenSource(s.token))
	if err != nil {
		return c, fmt.Errorf("ask for user info: %w", err)
	}
	if info.Subject != s.claims.Subject {
		return c, errors.New("the user info is about somebody else")
	}
	if err := info.Claims(&c); err != nil {
		return c, fmt.Errorf("read user info: %w", err)
	}
	return c, nil
}

// Name implements goth.Provider.
func (p *openID) Name() string { return p.name }

// SetName implements goth.Provider.
func (p *openID) SetName(name string) { p.name = name }

// Debug implements goth.Provider; there is nothing to debug.
func (p *openID) Debug(bool) {}

// RefreshToken implements goth.Provider. Nothing is asked of a provider after
// the sign-in, so no token is kept.
func (p *openID) RefreshToken(string) (*oauth2.Token, error) {
	return nil, errors.New("refresh tokens are not kept")
}

// RefreshTokenAvailable implements goth.Provider.
func (p *openID) RefreshTokenAvailable() bool { return false }

// IsProviderURL reports whether a provider may be reached at an address: over
// https, or without it on this machine.
func IsProviderURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && local
}
