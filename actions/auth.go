package actions

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

// providerOf is the provider that the path names, and nothing else.
func providerOf(c buffalo.Context) string { return mux.Vars(c.Request())["provider"] }

// startAuth sends a browser to a provider. A page does it, and not a redirect:
// the policy form-action 'self' holds for all redirects after a form, those at
// the provider too.
func (a *app) startAuth(c buffalo.Context) error {
	remember, ok := wish(c.Param("remember"))
	if !ok {
		return errRemember
	}
	w := signin.Wish{ReturnTo: localPath(c.Param("return_to")), Remember: remember}
	if c.Param("link") != "" {
		user, err := a.requireFresh(c, "act.link")
		if user == nil {
			return err
		}
		w.LinkTo = user.ID.String()
	}
	if user := currentUser(c); user != nil && c.Param("fresh") != "" {
		w.Fresh, w.User = true, user.ID.String()
	}
	target, err := a.flow.Start(c.Response(), c.Request(), providerOf(c), w)
	if err != nil {
		return a.authFailed(c, err)
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(map[string]string{"location": target}))
	}
	c.Response().Header().Set("Refresh", "0; url="+target)
	c.Set("target", target)
	c.Set("provider", a.labelOf(providerOf(c)))
	return a.pages.show(c, "leaving.plush.html", "leaving.title")
}

// postedAuth takes the answer of a provider that posts it. Browsers send no
// cookies with a post from another site, and so it is taken again as a GET.
func (a *app) postedAuth(c buffalo.Context) error {
	if _, err := a.flow.Provider(providerOf(c)); err != nil {
		return a.authFailed(c, err) // or any text from the path would stand in Location
	}
	answer := url.Values{}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if value := c.Request().PostFormValue(name); value != "" {
			answer.Set(name, value)
		}
	}
	return c.Redirect(http.StatusSeeOther, "/auth/%s/callback?%s", providerOf(c), answer.Encode())
}

// finishAuth takes a browser back from a provider.
func (a *app) finishAuth(c buffalo.Context) error {
	id, wish, err := a.flow.Finish(c.Response(), c.Request(), providerOf(c), c.Request().URL.Query())
	if err != nil {
		return a.authFailed(c, err)
	}
	if wish.LinkTo != "" {
		return a.link(c, id, wish)
	}
	if wish.Fresh {
		return a.reauthenticate(c, id, wish)
	}
	user, created, err := models.SignUp(a.db.WithContext(c.Request().Context()), identityOf(id),
		models.Newcomer{Username: id.Username, Name: id.Name, Email: id.Email})
	if err != nil {
		return unavailable(err)
	}
	if created {
		a.audit(c, about(user, models.UserCreated, id.Provider), "username", user.Username)
	}
	if user.DisabledAt.Valid {
		a.audit(c, failure(id.Provider, user.ID.String(), "disabled"))
		return errDisabled
	}
	if err := a.signInAs(c, user, id, wish); err != nil {
		return err
	}
	return a.signedIn(c, user, wish.ReturnTo)
}

// reauthenticate signs in again who was to show that it is still he, and nobody
// else.
func (a *app) reauthenticate(c buffalo.Context, id signin.Identity, wish signin.Wish) error {
	user, err := models.UserOf(a.db.WithContext(c.Request().Context()), id.Issuer, id.Subject)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return unavailable(err)
	}
	if err != nil || user.ID.String() != wish.User || user.DisabledAt.Valid {
		a.audit(c, failure(id.Provider, wish.User, "somebody_else"))
		return problem(http.StatusForbidden, "error.somebody_else", label{a.labelOf(id.Provider)})
	}
	if err := a.signInAs(c, user, id, wish); err != nil {
		return err
	}
	return a.signedIn(c, user, wish.ReturnTo)
}

func identityOf(id signin.Identity) models.Identity {
	return models.Identity{Provider: id.Provider, Issuer: id.Issuer, Subject: id.Subject}
}

// signInAs signs in who has come back from a provider, unless the provider has ended
// its own session meanwhile.
func (a *app) signInAs(c buffalo.Context, user *models.User, id signin.Identity, wish signin.Wish) error {
	err := a.signIn(c, user, arrival{
		method: id.Provider, at: id.AuthenticatedAt, remember: wish.Remember, page: wish.ReturnTo,
		origin: originOf(id), subject: origin(id.Issuer, id.Subject),
	})
	if err != nil {
		return err
	}
	over, err := a.flow.EndedMeanwhile(c.Request().Context(), id)
	if err != nil {
		return unavailable(err)
	}
	if !over {
		return nil
	}
	if err := sessionstore.SignOut(c.Session().Session); err != nil {
		return err
	}
	if err := c.Session().Save(); err != nil {
		return err
	}
	a.audit(c, ended(user.ID.String(), models.EndedByProvider, 1))
	return problem(http.StatusForbidden, "error.over_there", label{a.labelOf(id.Provider)})
}

// signedIn answers at the end of every way in.
func (a *app) signedIn(c buffalo.Context, user *models.User, returnTo string) error {
	if prefersHTML(c) {
		return c.Redirect(http.StatusSeeOther, "%s", orHome(returnTo))
	}
	return c.Render(http.StatusOK, a.pages.json(newUserJSON(user)))
}

var (
	errDisabled = problem(http.StatusUnauthorized, "error.disabled")
	errRemember = problem(http.StatusBadRequest, "error.remember")
)

// authFailed says what became of a sign-in, and how to go on.
func (a *app) authFailed(c buffalo.Context, err error) error {
	name := providerOf(c)
	switch {
	case errors.Is(err, signin.ErrUnknown):
	case errors.Is(err, signin.ErrLost):
		// It takes nothing to bring one about, and so it is no event: see logRefusal.
		a.logRefusal(c, models.SignInFailed, "method", name, "reason", clip(err.Error()))
	default:
		a.audit(c, failure(name, "", "refused"), "reason", clip(err.Error()))
	}
	provider := label{a.labelOf(name)}
	switch {
	case errors.Is(err, signin.ErrUnknown):
		return c.Error(http.StatusNotFound, err)
	case errors.Is(err, signin.ErrLost):
		return problem(http.StatusBadRequest, "error.lost")
	case errors.Is(err, signin.ErrDenied):
		return problem(http.StatusForbidden, "error.cancelled", provider)
	case errors.Is(err, signin.ErrNoProof):
		return problem(http.StatusBadGateway, "error.no_proof", provider)
	case errors.Is(err, signin.ErrProvider):
		return problem(http.StatusBadGateway, "error.provider", provider)
	}
	return unavailable(err)
}

// label is what texts call a provider.
type label struct{ Provider string }

// labelOf is the name of a provider that people know, also of one that is off.
func (a *app) labelOf(name string) string {
	p, err := a.flow.Provider(name)
	if err != nil {
		return signin.LabelOf(name)
	}
	return p.Label
}
