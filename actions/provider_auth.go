package actions

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

// providerName returns the provider's name in the path, or "".
func providerName(c buffalo.Context) string { return mux.Vars(c.Request())["provider"] }

// providerLabel returns the name that pages show for a provider, also if it is not
// configured any more.
func (a *app) providerLabel(name string) string {
	p, err := a.flow.Provider(name)
	if err != nil {
		return signin.LabelOf(name)
	}
	return p.Label
}

// startAuth sends a browser to a provider. It shows a page that does so, because the
// policy form-action 'self' also forbids redirects after a form to other sites.
func (a *app) startAuth(c buffalo.Context) error {
	link, err := boolParam(c, "link")
	if err != nil {
		return err
	}
	if link {
		return a.recent(a.startLink)(c)
	}
	return a.redirectToProvider(c, signin.LoginRequest{})
}

// startLink sends a browser to a provider in order to link it to the account.
func (a *app) startLink(c buffalo.Context) error {
	return a.redirectToProvider(c, signin.LoginRequest{LinkTo: currentUser(c).ID.String()})
}

func (a *app) redirectToProvider(c buffalo.Context, w signin.LoginRequest) error {
	remember, err := boolParam(c, "remember")
	if err != nil {
		return err
	}
	fresh, err := boolParam(c, "fresh")
	if err != nil {
		return err
	}
	w.ReturnTo, w.Remember = localPath(c.Param("return_to")), remember
	if user := currentUser(c); user != nil && fresh {
		w.Fresh, w.User = true, user.ID.String()
	}
	target, err := a.flow.Start(c.Response(), c.Request(), providerName(c), w)
	if err != nil {
		return a.providerFailed(c, err)
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, map[string]string{"location": target})
	}
	c.Response().Header().Set("Refresh", "0; url="+target)
	c.Set("target", target)
	c.Set("provider", a.providerLabel(providerName(c)))
	return a.pages.show(c, "redirecting.plush.html", "redirecting.title")
}

// boolParam reads a parameter that is true or false.
func boolParam(c buffalo.Context, name string) (bool, error) {
	value, ok := web.ParseBool(c.Param(name))
	if !ok {
		return false, errInvalidBool(name)
	}
	return value, nil
}

// postedAuth redirects a provider's answer that was posted to finishAuth. Browsers
// send no cookies with a form from another site, so the answer must come again with
// GET.
func (a *app) postedAuth(c buffalo.Context) error {
	if _, err := a.flow.Provider(providerName(c)); err != nil {
		return err // so that Location only holds known names
	}
	answer := url.Values{}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if value := c.Request().PostFormValue(name); value != "" {
			answer.Set(name, value)
		}
	}
	return c.Redirect(http.StatusSeeOther, "/auth/%s/callback?%s", providerName(c), answer.Encode())
}

// finishAuth receives a browser that comes back from a provider.
func (a *app) finishAuth(c buffalo.Context) error {
	id, request, err := a.flow.Finish(c.Response(), c.Request(), providerName(c), c.Request().URL.Query())
	switch {
	case err != nil:
		return a.providerFailed(c, err)
	case request.LinkTo != "":
		return a.link(c, id, request)
	case request.Fresh:
		return a.reauthenticate(c, id, request)
	}
	return a.signInWith(c, id, request)
}

// signInWith signs in the user with an identity. At the first time, it creates the
// user.
func (a *app) signInWith(c buffalo.Context, id signin.Identity, request signin.LoginRequest) error {
	user, created, err := models.SignUp(a.db.WithContext(c.Request().Context()), identityOf(id),
		models.Profile{Username: id.Username, Name: id.Name, Email: id.Email})
	if err != nil {
		return err
	}
	if created {
		a.audit(c, about(user, models.UserCreated, id.Provider), "username", user.Username)
	}
	if !user.MaySignIn() {
		a.audit(c, failure(id.Provider, user.ID.String(), failedDisabled))
		return errDisabled
	}
	return a.finishSignIn(c, user, id, request)
}

// reauthenticate signs in the current user again, and nobody else.
func (a *app) reauthenticate(c buffalo.Context, id signin.Identity, request signin.LoginRequest) error {
	user, err := models.UserByIdentity(a.db.WithContext(c.Request().Context()), id.Issuer, id.Subject)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err != nil || user.ID.String() != request.User || !user.MaySignIn() {
		a.audit(c, failure(id.Provider, request.User, failedOtherUser))
		return errOtherUser
	}
	return a.finishSignIn(c, user, id, request)
}

func identityOf(id signin.Identity) models.Identity {
	return models.Identity{Provider: id.Provider, Issuer: id.Issuer, Subject: id.Subject}
}

// finishSignIn signs the user in, unless the provider has signed them out while this
// sign-in was in progress.
func (a *app) finishSignIn(c buffalo.Context, user *models.User, id signin.Identity, request signin.LoginRequest) error {
	l := login{
		method: id.Provider, authenticatedAt: id.AuthenticatedAt, remember: request.Remember,
		providerSubject: providerID(id.Issuer, id.Subject),
	}
	if id.SID != "" {
		l.providerSession = providerID(id.Issuer, id.SID)
	}
	if err := a.signIn(c, user, l); err != nil {
		return err
	}
	over, err := a.flow.EndedDuringSignIn(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if !over {
		return a.answerSignIn(c, user, request.ReturnTo)
	}
	if err := sessionstore.SignOut(c.Session().Session); err != nil {
		return err
	}
	if err := c.Session().Save(); err != nil {
		return err
	}
	a.audit(c, models.NewSessionEvent(user.ID.String(), models.RevokedByProvider, 1))
	return errProviderSignOut
}

// providerFailed records a failed sign-in and returns its error. Only the log has
// what anyone can cause without a provider: it could fill the table of events.
func (a *app) providerFailed(c buffalo.Context, err error) error {
	name, reason := providerName(c), web.Clip(err.Error())
	switch {
	case errors.Is(err, signin.ErrNoAttempt):
		a.logEvent(c, failure(name, "", ""), "reason", reason)
	case errors.Is(err, signin.ErrDenied), errors.Is(err, signin.ErrNoAuthTime), errors.Is(err, signin.ErrProvider):
		a.audit(c, failure(name, "", failedRefused), "reason", reason)
	}
	return err
}

// backchannelLogout revokes sessions after their user signed out at the provider,
// which sends this request itself (OpenID Connect Back-Channel Logout 1.0, 2.5 to
// 2.8).
func (a *app) backchannelLogout(c buffalo.Context) error {
	provider := providerName(c)
	var event models.Event
	err := a.flow.Logout(c.Request().Context(), provider, c.Request().PostFormValue("logout_token"), func(logout signin.Logout) (err error) {
		event, err = a.revokeProviderSessions(c, provider, logout)
		return err
	})
	if errors.Is(err, signin.ErrProvider) {
		return fmt.Errorf("%w: %w", err, errNoKeys)
	}
	if err != nil {
		return err
	}
	a.audit(c, event)
	return a.pages.json(c, http.StatusOK, revokedJSON{event.Sessions})
}

// revokeProviderSessions revokes the sessions that belong to one of the provider's
// sessions, or to a subject, who may be unknown here.
func (a *app) revokeProviderSessions(c buffalo.Context, provider string, logout signin.Logout) (models.Event, error) {
	ctx := c.Request().Context()
	userID := ""
	user, err := models.UserByIdentity(a.db.WithContext(ctx), logout.Issuer, logout.Subject)
	if err == nil {
		userID = user.ID.String()
	} else if !errors.Is(err, models.ErrNotFound) {
		return models.Event{}, err
	}
	filter := sessionstore.Filter{AnyUser: true, ProviderSubject: providerID(logout.Issuer, logout.Subject)}
	if logout.SID != "" {
		filter = sessionstore.Filter{AnyUser: true, ProviderSession: providerID(logout.Issuer, logout.SID)}
	}
	n, err := a.store.Revoke(ctx, filter)
	event := models.NewSessionEvent(userID, models.RevokedByProvider, n)
	event.Method = provider
	return event, err
}

// providerID returns a hash, in 64 hex digits, that identifies a session or a
// subject of an issuer.
func providerID(issuer, id string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + id))
	return hex.EncodeToString(sum[:])
}

// signOutURL returns where users can also sign out at a provider, or "" if it offers
// nothing.
func (a *app) signOutURL(provider string) string {
	p, err := a.flow.Provider(provider)
	if err != nil {
		return ""
	}
	return p.SignOutURL(a.cfg.BaseURL() + "/signin?notice=signed-out")
}
