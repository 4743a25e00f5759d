package actions

import (
	"errors"
	"slices"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/signin"
)

// identityJSON is a linked identity in the API.
type identityJSON struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Label    string `json:"label"`
	LinkedAt string `json:"linked_at"`
}

func (a *app) newIdentitiesJSON(identities []models.Identity) []identityJSON {
	list := []identityJSON{}
	for _, i := range identities {
		list = append(list, identityJSON{i.ID.String(), i.Provider, a.providerLabel(i.Provider), i.CreatedAt.UTC().Format(time.RFC3339)})
	}
	return list
}

func (a *app) identitiesOf(c buffalo.Context, user *models.User) ([]models.Identity, error) {
	return models.ListIdentities(a.db.WithContext(c.Request().Context()), user.ID)
}

// link gives an identity, which a provider has just confirmed, to the user who
// started the link. It needs a recent sign-in again: the user may have been at the
// provider for a long time.
func (a *app) link(c buffalo.Context, id signin.Identity, request signin.LoginRequest) error {
	if user := currentUser(c); user == nil || user.ID.String() != request.LinkTo {
		a.audit(c, failure(id.Provider, request.LinkTo, failedOtherUser))
		return errNotWhoBegan
	}
	return a.recentOn("/account", func(c buffalo.Context) error {
		return a.addIdentity(c, id)
	})(c)
}

func (a *app) addIdentity(c buffalo.Context, id signin.Identity) error {
	user := currentUser(c)
	linked, err := models.Link(a.db.WithContext(c.Request().Context()), user.ID, identityOf(id))
	if errors.Is(err, models.ErrIdentityTaken) {
		a.audit(c, about(user, models.IdentityRefused, id.Provider))
	}
	if err != nil {
		return err
	}
	if linked {
		a.audit(c, notable(about(user, models.IdentityLinked, id.Provider)))
	}
	return a.changed(c, "/account", noticeLinked)
}

// unlink removes one of the current user's identities.
func (a *app) unlink(c buffalo.Context) error {
	user := currentUser(c)
	provider, err := models.Unlink(a.db.WithContext(c.Request().Context()), user.ID, mux.Vars(c.Request())["id"], a.isUsable)
	if errors.Is(err, models.ErrNotFound) {
		return errNotOwn
	}
	if err != nil {
		return err
	}
	a.audit(c, notable(about(user, models.IdentityUnlinked, provider)))
	return a.changed(c, "/account", noticeUnlinked)
}

// isUsable reports whether a configured provider can sign in with an identity.
func (a *app) isUsable(i models.Identity) bool {
	return slices.ContainsFunc(a.flow.Providers, func(p *signin.Provider) bool { return p.HasIssuer(i.Issuer) })
}
