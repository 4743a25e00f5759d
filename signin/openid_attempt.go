package signin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/markbates/goth"
	"golang.org/x/oauth2"
)

// openIDSession is an attempt, for goth. The exported fields are kept in the cookie.
type openIDSession struct {
	Nonce    string    `json:"n,omitempty"`
	Verifier string    `json:"v,omitempty"` // PKCE (RFC 7636)
	Since    time.Time `json:"t,omitzero"`  // if set, the user must have authenticated since then
	Fresh    bool      `json:"f,omitempty"` // the provider must say when the user authenticated

	url             string
	token           *oauth2.Token
	issuer          string
	claims          claims
	sid             string
	authenticatedAt time.Time
}

// BeginAuth implements goth.Provider.
func (p *openID) BeginAuth(state string) (goth.Session, error) {
	return p.begin(context.Background(), state, false)
}

func (p *openID) begin(ctx context.Context, state string, fresh bool) (goth.Session, error) {
	m, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	s := &openIDSession{}
	var options []oauth2.AuthCodeOption
	if !p.settings.Kind.noNonce {
		s.Nonce, s.Verifier = rand.Text(), oauth2.GenerateVerifier()
		options = append(options, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier))
	}
	options = append(options, s.reauthParams(p, fresh)...)
	if p.settings.Kind.formPost {
		options = append(options, oauth2.SetAuthURLParam("response_mode", "form_post"))
	}
	s.url = p.oauth(m).AuthCodeURL(state, options...)
	return s, nil
}

// reauthParams makes the provider authenticate the user again: always with fresh, and otherwise
// if they authenticated longer ago than a session may last. The provider must then say
// when it was (OpenID Connect Core 1.0, 3.1.2.1, max_age).
func (s *openIDSession) reauthParams(p *openID, fresh bool) []oauth2.AuthCodeOption {
	maxAge := p.maxAge
	if !p.sendsAuthTime() {
		if prompt := p.prompt(); fresh && prompt != "" {
			return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("prompt", prompt)}
		}
		return nil
	}
	var options []oauth2.AuthCodeOption
	if fresh {
		maxAge = 0
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	s.Since, s.Fresh = p.now().Add(-maxAge).Truncate(time.Second), fresh
	return append(options, oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(maxAge.Seconds()))))
}

// sendsAuthTime reports whether the provider says when users authenticated.
func (p *openID) sendsAuthTime() bool {
	return p.settings.Kind.SendsAuthTime() && !p.settings.NoAuthTime
}

// prompt returns the prompt parameter that makes a provider authenticate users again, or
// "" if there is none.
func (p *openID) prompt() string {
	if p.settings.Kind.SendsAuthTime() {
		return "login"
	}
	return p.settings.Kind.prompt
}

// GetAuthURL implements goth.Session.
func (s *openIDSession) GetAuthURL() (string, error) { return s.url, nil }

// Marshal implements goth.Session.
func (s *openIDSession) Marshal() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // cannot happen: the fields are strings and a time
	}
	return string(text)
}

// UnmarshalSession implements goth.Provider.
func (p *openID) UnmarshalSession(text string) (goth.Session, error) {
	s := &openIDSession{}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("read attempt: %w", err)
	}
	return s, nil
}

// Authorize implements goth.Session.
func (s *openIDSession) Authorize(provider goth.Provider, params goth.Params) (string, error) {
	p, ok := provider.(*openID)
	if !ok {
		return "", fmt.Errorf("unexpected provider %T", provider)
	}
	if err := s.authorize(context.Background(), p, params); err != nil {
		return "", err
	}
	return s.token.AccessToken, nil
}

// authorize exchanges the code and checks the ID token (OpenID Connect Core 1.0,
// 3.1.3.7).
func (s *openIDSession) authorize(ctx context.Context, p *openID, params goth.Params) error {
	m, err := p.discover(ctx)
	if err != nil {
		return err
	}
	ctx = p.withClient(ctx)
	var options []oauth2.AuthCodeOption
	if s.Verifier != "" {
		options = append(options, oauth2.VerifierOption(s.Verifier))
	}
	s.token, err = p.oauth(m).Exchange(ctx, params.Get("code"), options...)
	p.noteExchange(err)
	if err != nil {
		return fmt.Errorf("exchange code: %w", err)
	}
	raw, ok := s.token.Extra("id_token").(string)
	if !ok {
		return errors.New("no ID token in the provider's response")
	}
	token, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return fmt.Errorf("verify ID token: %w", err)
	}
	return s.check(p, m, token)
}

// checkIssuer checks that the response comes from the provider that was asked (RFC 9207,
// 2.4).
func (m *metadata) checkIssuer(params goth.Params) error {
	switch issuer := params.Get("iss"); {
	case issuer == m.Issuer, issuer == "" && !m.NamesIssuer:
		return nil
	default:
		return fmt.Errorf("the response has the issuer %q, want %q", issuer, m.Issuer)
	}
}

// check checks what the verifier does not. The ID token has a valid signature, audience
// and expiry.
func (s *openIDSession) check(p *openID, m *metadata, token *oidc.IDToken) error {
	var text json.RawMessage
	if err := token.Claims(&text); err != nil {
		return fmt.Errorf("read ID token: %w", err)
	}
	if err := readClaims(text, &s.claims); err != nil {
		return fmt.Errorf("read ID token: %w", err)
	}
	s.issuer, s.sid = token.Issuer, s.claims.SID
	if token.Issuer == "accounts.google.com" { // go-oidc accepts this for Google
		s.issuer = m.Issuer
	}
	switch by := s.claims.AuthorizedBy; {
	case token.Nonce != s.Nonce:
		return errors.New("the ID token has the wrong nonce")
	case !p.isIssuer(m, token.Issuer, s.claims.Tenant):
		return fmt.Errorf("the ID token has the issuer %q, which is not a tenant of %s", token.Issuer, m.Issuer)
	case by != "" && by != p.settings.Key, by == "" && len(token.Audience) > 1:
		return fmt.Errorf("the ID token was issued to %q, for %q", by, token.Audience)
	case token.IssuedAt.After(p.now().Add(clockSkew)):
		return errors.New("the ID token was issued in the future")
	}
	return s.checkTime(p)
}

// checkTime sets when the user authenticated.
func (s *openIDSession) checkTime(p *openID) error {
	now := p.now()
	if s.claims.AuthTime == nil {
		if s.Fresh {
			return ErrNoAuthTime
		}
		if !p.sendsAuthTime() {
			s.authenticatedAt = now
		}
		return nil
	}
	at := time.Time(*s.claims.AuthTime)
	if at.Before(s.Since.Add(-clockSkew)) {
		return fmt.Errorf("the user authenticated at %s: the provider did not ask again as requested", at.UTC().Format(time.RFC3339))
	}
	if at.After(now.Add(clockSkew)) {
		return errors.New("the authentication time is in the future")
	}
	s.authenticatedAt = at
	if at.After(now) {
		s.authenticatedAt = now
	}
	return nil
}
