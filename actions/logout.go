package actions

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/nulls"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

// originOf names a provider's session, for the session that comes out of it.
func originOf(id signin.Identity) string {
	if id.SID == "" {
		return ""
	}
	return origin(id.Issuer, id.SID)
}

// origin is a name of 64 letters for one session, or one subject, of an issuer.
func origin(issuer, id string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + id))
	return hex.EncodeToString(sum[:])
}

// backchannelLogout ends the sessions that came out of one that ended at the
// provider, which tells us so itself, past all browsers (OpenID Connect
// Back-Channel Logout 1.0, 2.5 to 2.8).
func (a *app) backchannelLogout(c buffalo.Context) error {
	provider := providerOf(c)
	var event models.Event
	err := a.flow.Logout(c.Request().Context(), provider, c.Request().PostFormValue("logout_token"), func(logout signin.Logout) (err error) {
		event, err = a.endCameFrom(c, provider, logout)
		return err
	})
	if err != nil {
		return a.logoutFailed(c, err)
	}
	a.audit(c, event)
	return c.Render(http.StatusOK, a.pages.json(endedJSON{event.Sessions}))
}

// logoutFailed tells a provider what became of its logout token.
func (a *app) logoutFailed(c buffalo.Context, err error) error {
	if errors.Is(err, signin.ErrUnknown) {
		return c.Error(http.StatusNotFound, err)
	}
	bad, unreachable := errors.Is(err, signin.ErrLogoutToken), errors.Is(err, signin.ErrProvider)
	if !bad && !unreachable {
		return unavailable(err)
	}
	a.logRefusal(c, "logout.refused", "method", providerOf(c), "reason", clip(err.Error()))
	if unreachable {
		return problem(http.StatusBadGateway, "error.no_keys")
	}
	return problem(http.StatusBadRequest, "error.logout_token")
}

// endCameFrom ends what came out of one of the provider's sessions, or out of all
// of a subject's, who need not be somebody here.
func (a *app) endCameFrom(c buffalo.Context, provider string, logout signin.Logout) (event models.Event, err error) {
	ctx := c.Request().Context()
	event = ended("", models.EndedByProvider, 0)
	event.Method = provider
	user, err := models.UserOf(a.db.WithContext(ctx), logout.Issuer, logout.Subject)
	if err == nil {
		event.UserID = nulls.NewUUID(user.ID)
	} else if !errors.Is(err, models.ErrNotFound) {
		return event, unavailable(err)
	}
	if logout.SID != "" {
		event.Sessions, err = a.store.Revoke(ctx, sessionstore.Filter{AnyUser: true, ProviderSession: origin(logout.Issuer, logout.SID)})
	} else {
		event.Sessions, err = a.store.Revoke(ctx, sessionstore.Filter{AnyUser: true, ProviderSubject: origin(logout.Issuer, logout.Subject)})
	}
	return event, err
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
