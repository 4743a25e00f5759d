package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/markbates/goth"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// clockSkew is how wrong a provider's clock may be.
const clockSkew = time.Minute

// openID is a provider of OpenID Connect, for goth. Its discovery document is read when
// it is first needed.
type openID struct {
	name     string
	settings Settings
	client   *http.Client
	keys     *http.Client // for the provider's keys
	maxAge   time.Duration
	now      func() time.Time

	discovery singleflight.Group
	known     atomic.Pointer[cachedMetadata]

	refused atomic.Pointer[secretRefusal]
}

var _ goth.Provider = (*openID)(nil)

func newOpenID(s Settings, client *http.Client, maxAge time.Duration, now func() time.Time) *openID {
	return &openID{settings: s, client: client, keys: rateLimited(client), maxAge: maxAge, now: now}
}

func (p *openID) oauth(m *metadata) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "email"}
	if !p.settings.Kind.noProfile {
		scopes = append(scopes, "profile")
	}
	endpoint := m.provider.Endpoint()
	endpoint.AuthStyle = p.secretStyle(m)
	return &oauth2.Config{
		ClientID:     p.settings.Key,
		ClientSecret: p.settings.Secret,
		Endpoint:     endpoint,
		RedirectURL:  p.settings.Callback,
		Scopes:       append(scopes, p.settings.Kind.scopes...),
	}
}

// unavailable returns why the provider does not respond, or that it refused the client
// secret, if that was recently.
func (p *openID) unavailable() error {
	now := p.now()
	if d := p.known.Load(); d != nil && d.failed != nil && now.Sub(d.failedAt) < discoveryPause {
		return d.failed
	}
	if r := p.refused.Load(); r != nil && now.Sub(r.at) < discoveryPause {
		return r.err
	}
	return nil
}

// FetchUser implements goth.Provider.
func (p *openID) FetchUser(session goth.Session) (goth.User, error) {
	s, ok := session.(*openIDSession)
	if !ok {
		return goth.User{}, fmt.Errorf("fetch user: unexpected %T", session)
	}
	return p.user(context.Background(), s)
}

// user returns the user. It requests what the ID token leaves out.
func (p *openID) user(ctx context.Context, s *openIDSession) (goth.User, error) {
	if s.token == nil {
		return goth.User{}, errors.New("fetch user: authorize the attempt first")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return goth.User{}, err
	}
	if s.claims.Name == "" && m.UserInfoEndpoint != "" {
		if err := s.addUserInfo(ctx, p, m); err != nil {
			return goth.User{}, err
		}
	}
	c := s.claims
	user := goth.User{Provider: p.name, UserID: c.Subject, Name: c.Name, NickName: c.Username}
	if user.NickName == "" {
		user.NickName = c.Nickname
	}
	if c.EmailVerified {
		user.Email = c.Email
	}
	return user, nil
}

// addUserInfo takes from the user info only what the ID token, which is signed, leaves out.
// Missing user info is not an error, because the subject is known; wrong user info is.
func (s *openIDSession) addUserInfo(ctx context.Context, p *openID, m *metadata) error {
	text, err := p.userInfo(ctx, m, s.token)
	if err != nil {
		return nil
	}
	if err := checkNames(text); err != nil {
		return fmt.Errorf("read user info: %w", err)
	}
	var info claims
	if err := json.Unmarshal(text, &info); err != nil || info.Subject == "" {
		return nil
	}
	if info.Subject != s.claims.Subject { // OpenID Connect Core 1.0, 5.3.2
		return errors.New("the user info is about another user")
	}
	c := &s.claims
	c.Name = info.Name
	if c.Username == "" && c.Nickname == "" {
		c.Username, c.Nickname = info.Username, info.Nickname
	}
	if c.Email == "" {
		c.Email, c.EmailVerified = info.Email, info.EmailVerified
	}
	return nil
}

// userInfo requests the user info.
func (p *openID) userInfo(ctx context.Context, m *metadata, token *oauth2.Token) (text json.RawMessage, err error) {
	info, err := m.provider.UserInfo(p.withClient(ctx), oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("get user info: %w", err)
	}
	err = info.Claims(&text)
	return text, err
}

// Name implements goth.Provider.
func (p *openID) Name() string { return p.name }

// SetName implements goth.Provider.
func (p *openID) SetName(name string) { p.name = name }

// Debug implements goth.Provider. It does nothing.
func (p *openID) Debug(bool) {}

// RefreshToken implements goth.Provider. It returns an error, because no tokens are kept
// after the sign-in.
func (p *openID) RefreshToken(string) (*oauth2.Token, error) {
	return nil, errors.New("refresh tokens are not kept")
}

// RefreshTokenAvailable implements goth.Provider.
func (p *openID) RefreshTokenAvailable() bool { return false }
