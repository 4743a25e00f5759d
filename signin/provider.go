package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/markbates/goth"
)

// Settings configure a provider.
type Settings struct {
	Kind       Kind
	Name       string // in the path: Kind.Name, or another name if there are several of one kind
	Label      string // on the button
	Key        string // the client id
	Secret     string // the client secret
	Address    string // the issuer
	Callback   string // the absolute URL where the provider sends browsers back to
	NoAuthTime bool   // the provider does not say when users authenticated
}

// A Provider is a sign-in method. It is safe for concurrent use.
type Provider struct {
	Name  string
	Label string
	kind  Kind
	goth  goth.Provider
	now   func() time.Time
}

// An Identity is who the user is, according to a provider. Issuer and Subject identify
// the user; everything else can change, and may be empty.
type Identity struct {
	Provider string // Provider.Name
	Issuer   string
	Subject  string
	Username string
	Name     string
	Email    string // only if the provider has verified it
	SID      string // of the provider session, if known

	// AuthenticatedAt is when the user authenticated at the provider, which may be some
	// time ago. It is now for a kind of provider that never says so, and zero for one
	// that should but did not.
	AuthenticatedAt time.Time
}

// newProvider makes no network requests, so that the app starts even if the provider is
// down.
func newProvider(s Settings, client *http.Client, maxAge time.Duration, now func() time.Time) *Provider {
	p := &Provider{Name: s.Name, Label: s.Label, kind: s.Kind, now: now}
	if s.Kind.oauth != nil {
		p.goth = s.Kind.oauth(s, client)
	} else {
		p.goth = newOpenID(s, client, maxAge, now)
	}
	p.goth.SetName(s.Name)
	return p
}

// Unavailable returns why the provider failed recently, or nil.
func (p *Provider) Unavailable() error {
	if o, ok := p.goth.(*openID); ok {
		return o.unavailable()
	}
	return nil
}

// checkIssuer checks that the response comes from the provider that was asked (RFC 9207,
// 2.4), for OpenID Connect.
func (p *Provider) checkIssuer(ctx context.Context, params goth.Params) error {
	o, ok := p.goth.(*openID)
	if !ok {
		return nil
	}
	m, err := o.discover(ctx)
	if err != nil {
		return err
	}
	return m.checkIssuer(params)
}

// begin starts an attempt. With fresh, users must authenticate even if they are signed in
// at the provider.
func (p *Provider) begin(ctx context.Context, state string, fresh bool) (goth.Session, error) {
	if o, ok := p.goth.(*openID); ok {
		return o.begin(ctx, state, fresh)
	}
	return p.goth.BeginAuth(state)
}

// finish gets the identity from the provider, within finishTimeout. goth's interface has
// no context, and some of its providers have no timeout.
func (p *Provider) finish(ctx context.Context, session goth.Session, params goth.Params) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	type result struct {
		id  Identity
		err error
	}
	results := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // net/http would not recover it in this goroutine
				results <- result{err: fmt.Errorf("the provider's code panicked: %v", p)}
			}
		}()
		id, err := p.fetchIdentity(ctx, session, params)
		results <- result{id, err}
	}()
	select {
	case r := <-results:
		return r.id, r.err
	case <-ctx.Done():
		return Identity{}, fmt.Errorf("wait for the provider: %w", ctx.Err())
	}
}

// fetchUser returns the user that the provider names.
func (p *Provider) fetchUser(ctx context.Context, session goth.Session, params goth.Params) (goth.User, error) {
	o, ok := p.goth.(*openID)
	s, isOpenID := session.(*openIDSession)
	if !ok || !isOpenID {
		if _, err := session.Authorize(p.goth, params); err != nil {
			return goth.User{}, err
		}
		return p.goth.FetchUser(session)
	}
	if err := s.authorize(ctx, o, params); err != nil {
		return goth.User{}, err
	}
	return o.user(ctx, s)
}

func (p *Provider) fetchIdentity(ctx context.Context, session goth.Session, params goth.Params) (Identity, error) {
	user, err := p.fetchUser(ctx, session, params)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Provider: p.Name, Issuer: p.kind.Address, Subject: user.UserID, Username: user.NickName, Name: user.Name, Email: user.Email, AuthenticatedAt: p.now()}
	if s, ok := session.(*openIDSession); ok {
		id.Issuer, id.SID, id.AuthenticatedAt = s.issuer, s.sid, s.authenticatedAt
	}
	if p.kind.Name == "discord" {
		id.Username, id.Email = user.Name, "" // may not be verified
	}
	if id.Subject == "" || id.Subject == "0" { // goth decodes a missing number as 0
		return Identity{}, errors.New("no subject in the provider's response")
	}
	if len(id.Subject) > maxSubject || strings.ContainsRune(id.Subject, 0) {
		return Identity{}, fmt.Errorf("the provider's subject has more than %d bytes or contains NUL", maxSubject)
	}
	return id, nil
}

// maxSubject is the longest subject in bytes (OpenID Connect Core 1.0, 2).
const maxSubject = 255

// IsProviderURL reports whether a provider may have an address: with https, or with
// http on this machine.
func IsProviderURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	local := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && local
}
