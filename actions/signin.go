package actions

import (
	"net/http"
	"slices"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

// A signInMethod is a button on the sign-in page, and on the account page.
type signInMethod struct {
	Name  string `json:"name"` // as in a session's auth_method
	Label string `json:"label"`
	Path  string `json:"path"`

	Unavailable bool `json:"-"` // the provider failed recently
	Linked      bool `json:"-"` // on the account page: the user has an identity there
	provider    *signin.Provider
}

// issues reports whether one of the identities comes from the provider.
func (m signInMethod) issues(identities []models.Identity) bool {
	return slices.ContainsFunc(identities, func(i models.Identity) bool { return m.provider.HasIssuer(i.Issuer) })
}

// signInMethods returns the providers.
func (a *app) signInMethods() []signInMethod {
	methods := []signInMethod{}
	for _, p := range a.flow.Providers {
		methods = append(methods, signInMethod{Name: p.Name, Label: p.Label, Path: "/auth/" + p.Name, Unavailable: p.Unavailable() != nil, provider: p})
	}
	return methods
}

// linkedMethods returns the providers that the current user can sign in with.
func (a *app) linkedMethods(c buffalo.Context) ([]signInMethod, error) {
	identities, err := a.identitiesOf(c, currentUser(c))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(a.signInMethods(), func(m signInMethod) bool { return !m.issues(identities) }), nil
}

// showSignIn shows the sign-in methods. With fresh, these are the current user's,
// to sign in again.
func (a *app) showSignIn(c buffalo.Context) error {
	methods := a.signInMethods()
	fresh, err := boolParam(c, "fresh")
	if err != nil {
		return err
	}
	fresh = fresh && currentUser(c) != nil
	if fresh {
		if methods, err = a.linkedMethods(c); err != nil {
			return err
		}
	}
	if !web.PrefersPage(c.Request()) {
		if a.cfg.BypassAuth {
			bypass := signInMethod{Name: config.BypassMethod, Label: a.pages.text(c, "method.bypass"), Path: "/auth/bypass"}
			methods = append([]signInMethod{bypass}, methods...)
		}
		return a.pages.json(c, http.StatusOK, map[string]any{"methods": methods})
	}
	a.setSignIn(c, methods, fresh)
	c.Set("signed_out", c.Param("notice") == "signed-out")
	c.Set("provider_signout", a.signOutURL(c.Param("provider")))
	c.Set("provider_label", a.providerLabel(c.Param("provider")))
	return a.pages.show(c, "signin.plush.html", "signin")
}

// setSignIn sets what the sign-in page shows, for itself and for failed sign-ins.
func (a *app) setSignIn(c buffalo.Context, methods []signInMethod, fresh bool) {
	c.Set("fresh", fresh)
	c.Set("methods", methods)
	c.Set("bypass", a.cfg.BypassAuth)
	c.Set("remember_for", a.pages.period(c, a.cfg.Session.RememberLifetime))
	c.Set("return_to", localPath(c.Param("return_to")))
	c.Set("token", "")
	c.Set("failure", "")
	c.Set("signed_out", false)
}

// A login is a successful sign-in.
type login struct {
	method          string
	authenticatedAt time.Time // zero if the provider did not say
	providerSession string    // a hash; see providerID
	providerSubject string
	remember        bool
}

// signIn signs the user in. Every sign-in method ends here. The session gets a new
// sid and secret, and is saved before the response is written.
func (a *app) signIn(c buffalo.Context, user *models.User, l login) error {
	session := c.Session()
	if l.authenticatedAt.IsZero() {
		l.authenticatedAt = sessionstore.UnknownTime
	}
	err := sessionstore.SignIn(session.Session, sessionstore.Login{
		UserID: user.ID.String(), Method: l.method, AuthenticatedAt: l.authenticatedAt, Remember: l.remember,
		ProviderSession: l.providerSession, ProviderSubject: l.providerSubject,
	})
	if err != nil {
		return err
	}
	if err := session.Save(); err != nil {
		return err
	}
	event := about(user, models.SignInSucceeded, l.method)
	event.SID = session.Session.ID
	a.audit(c, event, "remember", l.remember)
	return nil
}

// answerSignIn answers a successful sign-in.
func (a *app) answerSignIn(c buffalo.Context, user *models.User, returnTo string) error {
	if web.PrefersHTML(c.Request()) {
		return c.Redirect(http.StatusSeeOther, "%s", orHome(returnTo))
	}
	return a.pages.json(c, http.StatusOK, newUserJSON(user))
}
