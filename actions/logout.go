package actions

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/signin"
)

// originOf names a provider's session, for the session that comes out of it.
func originOf(id signin.Identity) string {
	if id.SID == "" {
		return ""
	}
	return origin(id.Issuer, id.SID)
}

func origin(issuer, sid string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + sid))
	return hex.EncodeToString(sum[:])
}

// backchannelLogout ends the sessions that came out of one that ended at the
// provider, which tells us so itself, past all browsers (OpenID Connect
// Back-Channel Logout 1.0, 2.5 to 2.8).
func (a *app) backchannelLogout(c buffalo.Context) error {
	provider := providerOf(c)
	if err := a.refuseFailing(c); err != nil {
		return err
	}
	var ended int64
	err := a.flow.Logout(c.Request().Context(), provider, c.Request().PostFormValue("logout_token"), func(logout signin.Logout) (err error) {
		ended, err = a.endCameFrom(c, provider, logout)
		return err
	})
	if err != nil {
		return a.logoutFailed(c, err)
	}
	a.audit(c, "session.ended", "reason", "the provider ended its own", "provider", provider, "sessions", ended)
	return c.Render(http.StatusOK, a.pages.json(map[string]int64{"ended": ended}))
}

// logoutFailed tells a provider what became of its logout token. Who sends bad ones
// has us ask for keys each time, and so may send few.
func (a *app) logoutFailed(c buffalo.Context, err error) error {
	if errors.Is(err, signin.ErrUnknown) {
		return c.Error(http.StatusNotFound, err)
	}
	bad, unreachable := errors.Is(err, signin.ErrLogoutToken), errors.Is(err, signin.ErrProvider)
	if !bad && !unreachable {
		return unavailable(err)
	}
	a.audit(c, "logout.refused", "provider", providerOf(c), "reason", clip(err.Error()))
	if a.countFailure(c) {
		return errTooMany
	}
	if unreachable {
		return problem(http.StatusBadGateway, "error.no_keys")
	}
	return problem(http.StatusBadRequest, "error.logout_token")
}

// endCameFrom ends what came out of one of the provider's sessions, or out of all
// of a subject's.
func (a *app) endCameFrom(c buffalo.Context, provider string, logout signin.Logout) (int64, error) {
	ctx := c.Request().Context()
	if logout.SID != "" {
		return a.store.RevokeOrigin(ctx, origin(logout.Issuer, logout.SID))
	}
	user, err := models.UserOf(a.db.WithContext(ctx), logout.Issuer, logout.Subject)
	if errors.Is(err, models.ErrNotFound) {
		return 0, nil // was never here
	}
	if err != nil {
		return 0, unavailable(err)
	}
	return a.store.RevokeMethod(ctx, user.ID.String(), provider)
}

// signOutURL is where people may sign out at a provider too, and "" where they
// cannot.
func (a *app) signOutURL(provider string) string {
	p, err := a.flow.Provider(provider)
	if err != nil {
		return ""
	}
	return p.SignOutURL(a.cfg.BaseURL() + "/signin?notice=signed-out")
}
