package actions

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/signin"
)

// identityJSON is a linked provider as the API shows one.
type identityJSON struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Label    string `json:"label"`
	LinkedAt string `json:"linked_at"`
}

// showAccount shows who somebody is here, and by which providers he signs in.
func (a *app) showAccount(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		return a.signInFirst(c)
	}
	if prefersHTML(c) {
		return a.accountPage(c, user, accountForms{username: user.Username, tokenDays: strconv.Itoa(tokenDays)})
	}
	mine, err := a.identitiesOf(c, user)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, a.pages.json(struct {
		User       userJSON       `json:"user"`
		Identities []identityJSON `json:"identities"`
	}{newUserJSON(user), a.newIdentitiesJSON(mine)}))
}

func (a *app) identitiesOf(c buffalo.Context, user *models.User) ([]models.Identity, error) {
	mine, err := models.ListIdentities(a.db.WithContext(c.Request().Context()), user.ID)
	if err != nil {
		return nil, unavailable(err)
	}
	return mine, nil
}

func (a *app) newIdentitiesJSON(mine []models.Identity) []identityJSON {
	identities := []identityJSON{}
	for _, i := range mine {
		identities = append(identities, identityJSON{i.ID.String(), i.Provider, a.labelOf(i.Provider), i.CreatedAt.UTC().Format(time.RFC3339)})
	}
	return identities
}

// accountForms are what the forms of the account page hold, and what is wrong with one
// of them.
type accountForms struct {
	username, tokenName, tokenDays string
	fault                          error  // nil if nothing is
	field                          string // the id of the field that it is about
}

// accountPage shows the account page. Where something is wrong with a form it says so
// at the field, and the form holds what was written.
func (a *app) accountPage(c buffalo.Context, user *models.User, forms accountForms) error {
	mine, err := a.identitiesOf(c, user)
	if err != nil {
		return err
	}
	ways := a.waysIn()
	for i := range ways {
		ways[i].Linked = ways[i].leadsTo(mine)
	}
	status, fault := http.StatusOK, ""
	var refused buffalo.HTTPError
	if errors.As(forms.fault, &refused) {
		status = refused.Status
		text := sentenceFor(status, refused.Cause)
		fault = a.pages.texts.Translate(c, text.id, text.data)
	}
	c.Set("identities", a.newIdentitiesJSON(mine))
	c.Set("providers", ways)
	c.Set("username", forms.username)
	c.Set("token_name", forms.tokenName)
	c.Set("token_days", forms.tokenDays)
	c.Set("fault", fault)
	c.Set("fault_field", forms.field)
	// Where the ways in changed the page offers to end the other sessions (ASVS 5.0
	// 7.4.3).
	notice := c.Param("notice")
	c.Set("offer_end", notice == "linked" || notice == "unlinked")
	return a.pages.answer(c, status, "account.plush.html", "account.title")
}

// link gives the identity that a provider has just proved to who asked for it.
func (a *app) link(c buffalo.Context, id signin.Identity, wish signin.Wish) error {
	if user := currentUser(c); user == nil || user.ID.String() != wish.LinkTo {
		a.audit(c, failure(id.Provider, wish.LinkTo, "somebody_else"))
		return problem(http.StatusForbidden, "error.not_who_began")
	}
	user, err := a.requireFreshFor(c, "act.link", "/account") // he may have been away for long
	if user == nil {
		return err
	}
	linked, err := models.Link(a.db.WithContext(c.Request().Context()), user.ID, identityOf(id))
	if errors.Is(err, models.ErrTaken) {
		a.audit(c, about(user, models.IdentityRefused, id.Provider))
		return problem(http.StatusConflict, "error.identity_taken", label{a.labelOf(id.Provider)})
	}
	if err != nil {
		return unavailable(err)
	}
	if linked {
		a.audit(c, notable(about(user, models.IdentityLinked, id.Provider)))
	}
	return a.done(c, "/account", "linked")
}

// unlink takes one of his providers from a user.
func (a *app) unlink(c buffalo.Context) error {
	user, err := a.requireFresh(c, "act.unlink")
	if user == nil {
		return err
	}
	provider, err := models.Unlink(a.db.WithContext(c.Request().Context()), user.ID, mux.Vars(c.Request())["id"], a.isUsable)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return c.Error(http.StatusNotFound, err)
	case errors.Is(err, models.ErrLast):
		return problem(http.StatusConflict, "error.last_way")
	case err != nil:
		return unavailable(err)
	}
	a.audit(c, notable(about(user, models.IdentityUnlinked, provider)))
	return a.done(c, "/account", "unlinked")
}

// renameAccount changes the username.
func (a *app) renameAccount(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		return errNobody
	}
	var form struct {
		Username string `json:"username" form:"username"`
	}
	if err := c.Bind(&form); err != nil {
		return badBody(err)
	}
	changed, err := models.SetUsername(a.db.WithContext(c.Request().Context()), user.ID, form.Username)
	switch {
	case errors.Is(err, models.ErrUsername):
		err = problem(http.StatusUnprocessableEntity, "error.username")
	case errors.Is(err, models.ErrTaken):
		err = problem(http.StatusConflict, "error.username_taken")
	case err != nil:
		return unavailable(err)
	}
	if err != nil {
		return a.refuseForm(c, user, accountForms{username: form.Username, tokenDays: strconv.Itoa(tokenDays), fault: err, field: "username"})
	}
	if changed {
		a.audit(c, about(user, models.UserRenamed, ""), "username", form.Username)
	}
	return a.done(c, "/account", "renamed")
}

// refuseForm shows people their form again, and tells programs what is wrong with it.
func (a *app) refuseForm(c buffalo.Context, user *models.User, forms accountForms) error {
	if prefersHTML(c) {
		return a.accountPage(c, user, forms)
	}
	return forms.fault
}
