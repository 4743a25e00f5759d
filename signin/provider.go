package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"
)

// Settings are what the operator of a provider told us.
type Settings struct {
	Kind     Kind
	Name     string // in the path: Kind.Name, or of several providers of one kind each its own
	Label    string // on the button
	Key      string // the client id
	Secret   string // the client secret
	Address  string // the issuer
	Callback string // where the provider sends browsers back to, absolute
	Untimed  bool   // it does not say when people proved who they are, as some kinds do not
}

// A Provider is one way to sign in. It is safe for concurrent use.
type Provider struct {
	Name  string
	Label string
	kind  Kind
	goth  goth.Provider
	now   func() time.Time
}

// An Identity is who somebody is, as a provider says: an issuer and a subject.
// The rest may change, may be empty, and proves nothing.
type Identity struct {
	Provider string // Provider.Name
	Issuer   string
	Subject  string
	Username string
	Name     string
	Email    string // only one that the provider has verified
	SID      string // of the provider's own session, if it says so

	// AuthenticatedAt is when the provider had proof of who it is: before now, if
	// it did not ask because it knew. Of a provider that cannot say it is now, and
	// of one that should say and does not it is zero.
	AuthenticatedAt time.Time
}

// newProvider makes a provider of its settings. It asks nothing of the network:
// a provider that is down keeps no app from starting.
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

// Down returns why the provider could not be used last time, be it down or set up
// wrongly, and nil if it could or was not tried lately.
func (p *Provider) Down() error {
	if o, ok := p.goth.(*openID); ok {
		return o.down()
	}
	return nil
}

// checkIssuer compares who answered with whom we asked (RFC 9207, 2.4), where the
// provider speaks OpenID Connect.
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

// begin starts an attempt. fresh has the provider ask people who they are even if
// it knows.
func (p *Provider) begin(ctx context.Context, state string, fresh bool) (goth.Session, error) {
	if o, ok := p.goth.(*openID); ok {
		return o.begin(ctx, state, fresh)
	}
	return p.goth.BeginAuth(state)
}

// finish asks the provider who came back with params, and waits no longer than ctx
// and finishTimeout: goth's interface knows no context, and some of its providers
// no time-out.
func (p *Provider) finish(ctx context.Context, session goth.Session, params goth.Params) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	type answer struct {
		id  Identity
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // no request's, and so nobody else would
				answers <- answer{err: fmt.Errorf("the provider's code panicked: %v", p)}
			}
		}()
		id, err := p.ask(ctx, session, params)
		answers <- answer{id, err}
	}()
	select {
	case a := <-answers:
		return a.id, a.err
	case <-ctx.Done():
		return Identity{}, fmt.Errorf("wait for the provider: %w", ctx.Err())
	}
}

// userOf is who the provider says came back with params.
func (p *Provider) userOf(ctx context.Context, session goth.Session, params goth.Params) (goth.User, error) {
	o, ok := p.goth.(*openID)
	s, too := session.(*openIDSession)
	if !ok || !too {
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

func (p *Provider) ask(ctx context.Context, session goth.Session, params goth.Params) (Identity, error) {
	user, err := p.userOf(ctx, session, params)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Provider: p.Name, Issuer: p.kind.Address, Subject: user.UserID, Username: user.NickName, Name: user.Name, Email: user.Email, AuthenticatedAt: p.now()}
	if s, ok := session.(*openIDSession); ok {
		id.Issuer, id.SID, id.AuthenticatedAt = s.issuer, s.sid, s.authenticatedAt
	}
	if p.kind.Name == "discord" {
		id.Username, id.Email = user.Name, "" // verified or not
	}
	if id.Subject == "" || id.Subject == "0" { // goth takes a missing number for 0
		return Identity{}, errors.New("the provider's answer does not say who it is about")
	}
	if len(id.Subject) > maxSubject || strings.ContainsRune(id.Subject, 0) {
		return Identity{}, fmt.Errorf("the provider's name for the user is over %d bytes, or holds a NUL", maxSubject)
	}
	return id, nil
}

// maxSubject is what OpenID Connect Core 1.0, 2, allows a subject to be, in bytes.
const maxSubject = 255

// maxReason is how much of an error is worth a log, in bytes.
const maxReason = 300

// clipped shortens the text of an error that may hold a provider's whole answer,
// and leaves out what may hold a token: the query of an address, and the answer of
// the token endpoint.
type clipped struct{ error }

func (c clipped) Error() string {
	text := c.error.Error()
	var address *url.Error
	var answer *oauth2.RetrieveError
	switch {
	case errors.As(c.error, &answer):
		text = fmt.Sprintf("the token endpoint answers %s %q", answer.Response.Status, answer.ErrorCode)
	case errors.As(c.error, &address):
		place, _, _ := strings.Cut(address.URL, "?")
		text = fmt.Sprintf("%s %s: %v", address.Op, place, address.Err)
	}
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

func (c clipped) Unwrap() error { return c.error }
