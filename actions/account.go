package actions

import (
	"net/http"
	"strconv"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
)

// showAccount shows the current user and their identities.
func (a *app) showAccount(c buffalo.Context) error {
	if web.PrefersHTML(c.Request()) {
		return a.accountPage(c, newAccountForms(c), nil)
	}
	user := currentUser(c)
	identities, err := a.identitiesOf(c, user)
	if err != nil {
		return err
	}
	return a.pages.json(c, http.StatusOK, struct {
		User       userJSON       `json:"user"`
		Identities []identityJSON `json:"identities"`
	}{newUserJSON(user), a.newIdentitiesJSON(identities)})
}

// accountForms is what the forms of the account page contain.
type accountForms struct {
	username, tokenLabel, tokenDays string
}

// newAccountForms returns the forms as they are before the user changes them.
func newAccountForms(c buffalo.Context) accountForms {
	return accountForms{username: currentUser(c).Username, tokenDays: strconv.Itoa(defaultTokenDays)}
}

// refuseForm shows the account page again with what the user typed and what is wrong
// with it. Other clients get the error.
func (a *app) refuseForm(c buffalo.Context, forms accountForms, err error) error {
	if p := problemOf(0, err); web.PrefersHTML(c.Request()) && p.field != "" {
		return a.accountPage(c, forms, p)
	}
	return err
}

// accountPage shows the account page. p, if not nil, is shown at its field.
func (a *app) accountPage(c buffalo.Context, forms accountForms, p *problem) error {
	identities, err := a.identitiesOf(c, currentUser(c))
	if err != nil {
		return err
	}
	methods := a.signInMethods()
	for i := range methods {
		methods[i].Linked = methods[i].issues(identities)
	}
	status, fault, field := http.StatusOK, "", ""
	if p != nil {
		status, fault, field = p.status, a.pages.text(c, p.text, a.problemData(c, p)), p.field
	}
	c.Set("identities", a.newIdentitiesJSON(identities))
	c.Set("methods", methods)
	c.Set("username", forms.username)
	c.Set("token_label", forms.tokenLabel)
	c.Set("token_days", forms.tokenDays)
	c.Set("fault", fault)
	c.Set("fault_field", field)
	// When sign-in methods changed, offer to revoke the other sessions (ASVS 5.0
	// 7.4.3).
	shown := notice(c.Param("notice"))
	c.Set("offer_revoke", shown == noticeLinked || shown == noticeUnlinked)
	return a.pages.answer(c, status, "account.plush.html", "account.title")
}

// renameAccount changes the current user's username.
func (a *app) renameAccount(c buffalo.Context) error {
	user := currentUser(c)
	var form struct {
		Username string `json:"username" form:"username"`
	}
	if err := c.Bind(&form); err != nil {
		return invalidBody(err)
	}
	db := a.db.WithContext(c.Request().Context())
	changed, err := models.SetUsername(db, user.ID, form.Username)
	if err != nil {
		forms := newAccountForms(c)
		forms.username = form.Username
		return a.refuseForm(c, forms, err)
	}
	if changed {
		a.audit(c, about(user, models.UserRenamed, ""), "username", form.Username)
	}
	if web.PrefersHTML(c.Request()) {
		return a.changed(c, "/account", noticeRenamed)
	}
	if user, err = models.UserByID(db, user.ID.String()); err != nil {
		return err
	}
	return a.pages.json(c, http.StatusOK, newUserJSON(user))
}
