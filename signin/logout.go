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

// logoutWindow is how old a logout token may be, and how long the replay guard remembers
// it.
const logoutWindow = 5 * time.Minute

// ErrLogoutToken is returned for a logout token that is invalid or was used before.
var ErrLogoutToken = errors.New("invalid logout token")

// A Logout says which provider sessions ended: one, or all of a subject.
type Logout struct {
	Issuer  string
	Subject string // may be ""
	SID     string // "" for all sessions of the subject
}

// Logout verifies a logout token from a provider (OpenID Connect Back-Channel Logout
// 1.0, 2.6) and calls end. The token counts as used only if end succeeds, because
// providers repeat it after an error. Logout returns ErrUnknownProvider, ErrLogoutToken,
// ErrProvider if the provider's keys cannot be fetched, the replay guard's error, or
// end's.
func (f *Flow) Logout(ctx context.Context, provider, token string, end func(Logout) error) error {
	p, err := f.Provider(provider)
	if err != nil {
		return err
	}
	o, ok := p.goth.(*openID)
	if !ok {
		return fmt.Errorf("provider %q does not support OpenID Connect: %w", provider, ErrUnknownProvider)
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
	used, err := f.guard.IsUsed(ctx, id)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("%w: used before", ErrLogoutToken)
	}
	if logout.SID != "" {
		if _, err := f.guard.Use(ctx, endedMark(logout.Issuer, logout.SID), f.now().Add(2*AttemptLifetime)); err != nil {
			return err
		}
	}
	if err := end(logout); err != nil {
		return err
	}
	_, err = f.guard.Use(ctx, id, f.now().Add(2*logoutWindow)) // if another request used it meanwhile, the result is the same
	return err
}

// EndedDuringSignIn reports whether the provider session ended while this sign-in was in
// progress. Call it after the new session is saved: a logout after that revokes it. It
// returns the replay guard's error.
func (f *Flow) EndedDuringSignIn(ctx context.Context, id Identity) (bool, error) {
	if id.SID == "" {
		return false, nil
	}
	return f.guard.IsUsed(ctx, endedMark(id.Issuer, id.SID))
}

// endedMark returns the replay guard's ID for a provider session that ended.
func endedMark(issuer, sid string) string { return "ended " + issuer + " " + sid }

// readLogout verifies a logout token. id is unique among all issuers.
func (p *openID) readLogout(ctx context.Context, token string) (l Logout, id string, err error) {
	m, err := p.discover(ctx)
	if err != nil {
		return l, "", fmt.Errorf("%w: %w", ErrProvider, redacted{err})
	}
	if err := checkLogoutType(token); err != nil {
		return l, "", fmt.Errorf("%w: %w", ErrLogoutToken, err)
	}
	verified, err := m.verifier.VerifyLogout(ctx, token)
	if err != nil {
		return l, "", fmt.Errorf("%w: %w", verifyError(err), redacted{err})
	}
	tenant, err := readLogoutClaims(verified)
	if err != nil {
		return l, "", fmt.Errorf("%w: %w", ErrLogoutToken, err)
	}
	if !p.isIssuer(m, verified.Issuer, tenant) {
		return l, "", fmt.Errorf("%w: it has the issuer %q", ErrLogoutToken, verified.Issuer)
	}
	if age := p.now().Sub(verified.IssuedAt); age > logoutWindow || age < -clockSkew {
		return l, "", fmt.Errorf("%w: it was issued at %s", ErrLogoutToken, verified.IssuedAt.UTC().Format(time.RFC3339))
	}
	return Logout{verified.Issuer, verified.Subject, verified.SessionID}, verified.Issuer + " " + verified.TokenID, nil
}

// logoutEvent is the event that a logout token must contain.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// readLogoutClaims checks the claims that the verifier does not check.
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
		return "", fmt.Errorf("no event %s", logoutEvent)
	}
	return claims.Tenant, nil
}

// verifyError distinguishes an invalid token from keys that cannot be fetched. go-oidc only
// says so in the error's text.
func verifyError(err error) error {
	if strings.Contains(err.Error(), "fetching keys") {
		return ErrProvider
	}
	return ErrLogoutToken
}

// checkLogoutType checks the token's type (RFC 8725, 3.11). Some providers leave it
// out.
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
	return fmt.Errorf("the type is %.40q", header.Type)
}

// signOutWait is how long a sign-out waits for the provider's metadata.
const signOutWait = time.Second

// SignOutURL returns the URL where users can also sign out at the provider, and then
// return to backTo (OpenID Connect RP-Initiated Logout 1.0). It returns "" if the
// provider has none, or does not say so within a second.
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
	m, err := p.discover(ctx) // continues in the background when ctx ends
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
