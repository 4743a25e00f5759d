package signin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// logoutWindow is how old a logout token may be, and how long it is remembered.
const logoutWindow = 5 * time.Minute

// ErrLogoutToken says that a logout token must not be believed, or was used
// before.
var ErrLogoutToken = errors.New("the logout token is not valid")

// A Logout is what a provider says that ended: one of its sessions, or all of a
// subject's.
type Logout struct {
	Issuer  string
	Subject string // "" if it does not say
	SID     string // "" for all sessions of the subject
}

// Logout checks a logout token that a provider sent (OpenID Connect Back-Channel
// Logout 1.0, 2.6), and has end do what it says. The token is spent only when that
// went well: a provider sends it again after an error. Logout's error is ErrUnknown,
// ErrProvider when the provider's keys cannot be had, ErrLogoutToken, the error of
// Once, or that of end.
func (f *Flow) Logout(ctx context.Context, provider, token string, end func(Logout) error) error {
	p, err := f.Provider(provider)
	if err != nil {
		return err
	}
	o, ok := p.goth.(*openID)
	if !ok {
		return fmt.Errorf("provider %q speaks no OpenID Connect: %w", provider, ErrUnknown)
	}
	if err := f.logout(ctx, o, token, end); err != nil {
		return fmt.Errorf("logout by %s: %w", provider, err)
	}
	return nil
}

func (f *Flow) logout(ctx context.Context, p *openID, token string, end func(Logout) error) error {
	logout, id, err := p.readLogout(ctx, token)
	if err != nil {
		return err
	}
	id = "logout " + id
	spent, err := f.once.IsSpent(ctx, id)
	if err != nil {
		return err
	}
	if spent {
		return fmt.Errorf("%w: it was used before", ErrLogoutToken)
	}
	if logout.SID != "" {
		if _, err := f.once.Spend(ctx, endedMark(logout.Issuer, logout.SID), f.now().Add(2*AttemptLifetime)); err != nil {
			return err
		}
	}
	if err := end(logout); err != nil {
		return err
	}
	_, err = f.once.Spend(ctx, id, f.now().Add(2*logoutWindow)) // by another request meanwhile: the end is the same
	return err
}

// EndedMeanwhile reports whether the provider's session ended while somebody was on
// his way from it to a session of ours. It is to be asked once that one is there,
// which then no logout has ended. Its error is that of Once.
func (f *Flow) EndedMeanwhile(ctx context.Context, id Identity) (bool, error) {
	if id.SID == "" {
		return false, nil
	}
	return f.once.IsSpent(ctx, endedMark(id.Issuer, id.SID))
}

// endedMark is what is remembered of a session of a provider's that ended.
func endedMark(issuer, sid string) string { return "ended " + issuer + " " + sid }

// readLogout verifies a logout token. id is the token's own, among all issuers.
func (p *openID) readLogout(ctx context.Context, token string) (l Logout, id string, err error) {
	m, err := p.discover(ctx)
	if err != nil {
		return l, "", fmt.Errorf("%w: %w", ErrProvider, clipped{err})
	}
	if err := checkLogoutType(token); err != nil {
		return l, "", fmt.Errorf("%w: %w", ErrLogoutToken, err)
	}
	verified, err := m.verifier.VerifyLogout(ctx, token)
	if err != nil {
		return l, "", fmt.Errorf("%w: %w", reasonOf(err), clipped{err})
	}
	tenant, err := readLogoutClaims(verified)
	if err != nil {
		return l, "", fmt.Errorf("%w: %w", ErrLogoutToken, err)
	}
	if !p.isIssuer(m, verified.Issuer, tenant) {
		return l, "", fmt.Errorf("%w: it is of issuer %q", ErrLogoutToken, verified.Issuer)
	}
	if age := p.now().Sub(verified.IssuedAt); age > logoutWindow || age < -clockSkew {
		return l, "", fmt.Errorf("%w: it was issued at %s", ErrLogoutToken, verified.IssuedAt.UTC().Format(time.RFC3339))
	}
	return Logout{verified.Issuer, verified.Subject, verified.SessionID}, verified.Issuer + " " + verified.TokenID, nil
}

// logoutEvent is what a logout token is about.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// readLogoutClaims looks at what the verifier left to us of a logout token.
func readLogoutClaims(token *oidc.LogoutToken) (tenant string, err error) {
	var text json.RawMessage
	if err := token.Claims(&text); err != nil {
		return "", fmt.Errorf("read claims: %w", err)
	}
	var claims struct {
		Tenant string                    `json:"tid"`
		Events map[string]map[string]any `json:"events"` // an event is an object
	}
	if err := readClaims(text, &claims); err != nil {
		return "", err
	}
	if claims.Events[logoutEvent] == nil {
		return "", fmt.Errorf("it has no event %s", logoutEvent)
	}
	return claims.Tenant, nil
}

// reasonOf tells a token that is bad from keys that cannot be had. go-oidc says so
// in its text only.
func reasonOf(err error) error {
	if strings.Contains(err.Error(), "fetching keys") {
		return ErrProvider
	}
	return ErrLogoutToken
}

// checkLogoutType looks at the type of a token: one that says that it is something
// else is no logout token (RFC 8725, 3.11). Some providers say nothing.
func checkLogoutType(token string) error {
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	var header struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	switch kind, _ := strings.CutPrefix(strings.ToLower(header.Type), "application/"); kind {
	case "", "jwt", "logout+jwt":
		return nil
	}
	return fmt.Errorf("its type is %.40q", header.Type)
}

// signOutWait is how long somebody who signs out waits for a provider.
const signOutWait = time.Second

// SignOutURL is where people may sign out at a provider too, to come back to an
// address of ours afterwards (OpenID Connect RP-Initiated Logout 1.0). It is ""
// where the provider has no such place, or does not say so within a second.
func (p *Provider) SignOutURL(backTo string) string {
	o, ok := p.goth.(*openID)
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), signOutWait)
	defer cancel()
	return o.signOutURL(ctx, backTo)
}

func (p *openID) signOutURL(ctx context.Context, backTo string) string {
	m, err := p.discover(ctx) // which goes on when ctx ends
	if err != nil || !IsProviderURL(m.EndSessionEndpoint) {
		return ""
	}
	target, err := url.Parse(m.EndSessionEndpoint)
	if err != nil {
		return ""
	}
	query := target.Query()
	query.Set("client_id", p.settings.Key)
	query.Set("post_logout_redirect_uri", backTo)
	target.RawQuery = query.Encode()
	return target.String()
}
