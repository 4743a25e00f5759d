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

// openIDSession is an attempt, for goth. What is exported is kept meanwhile.
type openIDSession struct {
	Nonce    string    `json:"n,omitempty"`
	Verifier string    `json:"v,omitempty"` // PKCE (RFC 7636)
	Since    time.Time `json:"t,omitzero"`  // set: people must have proved who they are since then
	Fresh    bool      `json:"f,omitempty"` // and the provider must say so

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
	options = append(options, s.askAnew(p, fresh)...)
	if p.settings.Kind.formPost {
		options = append(options, oauth2.SetAuthURLParam("response_mode", "form_post"))
	}
	s.url = p.oauth(m).AuthCodeURL(state, options...)
	return s, nil
}

// askAnew has the provider ask people who they are: always if it is to be fresh,
// and otherwise if it did so longer ago than a session of ours may last (OpenID
// Connect Core 1.0, 3.1.2.1, max_age). It then has to say when it was.
func (s *openIDSession) askAnew(p *openID, fresh bool) []oauth2.AuthCodeOption {
	maxAge := p.maxAge
	if !p.isTimed() {
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

// isTimed reports whether the provider says when people proved who they are.
func (p *openID) isTimed() bool { return p.settings.Kind.IsTimed() && !p.settings.Untimed }

// prompt is what makes a provider that is not timed ask people, and "" if nothing
// does. One that is said to be like those still speaks OpenID Connect.
func (p *openID) prompt() string {
	if p.settings.Kind.IsTimed() {
		return "login"
	}
	return p.settings.Kind.prompt
}

// GetAuthURL implements goth.Session: where to send the browser.
func (s *openIDSession) GetAuthURL() (string, error) { return s.url, nil }

// Marshal implements goth.Session.
func (s *openIDSession) Marshal() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and a time
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
		return "", fmt.Errorf("an attempt of OpenID Connect with a %T", provider)
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
		return errors.New("the provider's answer has no ID token")
	}
	token, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return fmt.Errorf("verify ID token: %w", err)
	}
	return s.check(p, m, token)
}

// checkIssuer compares who answered with whom we asked (RFC 9207, 2.4).
func (m *metadata) checkIssuer(params goth.Params) error {
	switch issuer := params.Get("iss"); {
	case issuer == m.Issuer, issuer == "" && !m.NamesIssuer:
		return nil
	default:
		return fmt.Errorf("the answer is of issuer %q, want %q", issuer, m.Issuer)
	}
}

// check looks at what the verifier left to us of an ID token that is rightly
// signed, for us, and in time.
func (s *openIDSession) check(p *openID, m *metadata, token *oidc.IDToken) error {
	var text json.RawMessage
	if err := token.Claims(&text); err != nil {
		return fmt.Errorf("read ID token: %w", err)
	}
	if err := readClaims(text, &s.claims); err != nil {
		return fmt.Errorf("read ID token: %w", err)
	}
	s.issuer, s.sid = token.Issuer, s.claims.SID
	if token.Issuer == "accounts.google.com" { // go-oidc takes it for Google's
		s.issuer = m.Issuer
	}
	switch by := s.claims.AuthorizedBy; {
	case token.Nonce != s.Nonce:
		return errors.New("the ID token has another nonce than we sent")
	case !p.isIssuer(m, token.Issuer, s.claims.Tenant):
		return fmt.Errorf("the ID token is of issuer %q, which is no tenant of %s", token.Issuer, m.Issuer)
	case by != "" && by != p.settings.Key, by == "" && len(token.Audience) > 1:
		return fmt.Errorf("the ID token was issued for %q among %q", by, token.Audience)
	case token.IssuedAt.After(p.now().Add(clockSkew)):
		return errors.New("the ID token was issued in the future")
	}
	return s.checkTime(p)
}

// checkTime notes when the provider had proof of who the user is.
func (s *openIDSession) checkTime(p *openID) error {
	now := p.now()
	if s.claims.AuthTime == nil {
		if s.Fresh {
			return ErrNoProof
		}
		if !p.isTimed() {
			s.authenticatedAt = now
		}
		return nil
	}
	at := time.Time(*s.claims.AuthTime)
	if at.Before(s.Since.Add(-clockSkew)) {
		return fmt.Errorf("the user signed in at the provider at %s, and was not asked anew as we wanted", at.UTC().Format(time.RFC3339))
	}
	if at.After(now.Add(clockSkew)) {
		return errors.New("the user will sign in at the provider in the future")
	}
	s.authenticatedAt = at
	if at.After(now) {
		s.authenticatedAt = now
	}
	return nil
}
