package actions

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// accountJSON is a user as administrators see one.
type accountJSON struct {
	userJSON
	Email      string  `json:"email"`
	DisabledAt *string `json:"disabled_at"`
	CreatedAt  string  `json:"created_at"`
}

func newAccountJSON(u models.User) accountJSON {
	j := accountJSON{userJSON: newUserJSON(&u), Email: u.Email, CreatedAt: u.CreatedAt.UTC().Format(time.RFC3339)}
	if u.DisabledAt.Valid {
		j.DisabledAt = orNull(u.DisabledAt.Time.UTC())
	}
	return j
}

// listUsers finds users by how their usernames begin.
func (a *app) listUsers(c buffalo.Context) error {
	after, limit, err := pageOfList(c)
	if err != nil {
		return err
	}
	found, next, err := models.SearchUsers(a.db.WithContext(c.Request().Context()), c.Param("q"), after, limit)
	if err != nil {
		return badCursor(err)
	}
	users := []accountJSON{}
	for _, u := range found {
		users = append(users, newAccountJSON(u))
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(struct {
			Users []accountJSON `json:"users"`
			Next  *string       `json:"next"`
		}{users, orNone(next)}))
	}
	c.Set("users", users)
	c.Set("q", c.Param("q"))
	c.Set("next", next)
	c.Set("next_page", "/admin/users?"+url.Values{"q": {c.Param("q")}, "after": {next}}.Encode())
	return a.pages.show(c, "admin_users.plush.html", "admin.users")
}

// showUser shows one user.
func (a *app) showUser(c buffalo.Context) error {
	db := a.db.WithContext(c.Request().Context())
	user, err := models.GetUser(db, mux.Vars(c.Request())["id"])
	if err != nil {
		return notFound(c, err)
	}
	shown := newAccountJSON(*user)
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(shown))
	}
	n, err := a.store.Count(c.Request().Context(), sessionstore.Filter{UserID: shown.ID})
	if err != nil {
		return err
	}
	after, limit, err := pageOfList(c)
	if err != nil {
		return err
	}
	found, next, err := models.ListEvents(db, user.ID, after, limit)
	if err != nil {
		return badCursor(err)
	}
	events := []eventJSON{}
	for _, e := range found {
		events = append(events, newEventJSON(e))
	}
	c.Set("user", shown)
	c.Set("disabled", user.DisabledAt.Valid)
	c.Set("is_admin", user.Role == models.RoleAdmin)
	c.Set("count", int(n))
	c.Set("events", events)
	c.Set("next", next)
	c.Set("first", after == "")
	return a.pages.show(c, "admin_user.plush.html", "admin.user")
}

// changeUser gives a user another role, or disables or enables him. Each of that ends
// his sessions: what he may do begins with a new sign-in.
func (a *app) changeUser(c buffalo.Context) error {
	admin, err := a.requireFresh(c, "act.change_user")
	if admin == nil {
		return err
	}
	change, err := changeOf(c)
	if err != nil {
		return err
	}
	user, changed, err := models.ChangeUser(a.db.WithContext(c.Request().Context()), mux.Vars(c.Request())["id"], change)
	switch {
	case errors.Is(err, models.ErrRole):
		return problem(http.StatusBadRequest, "error.role")
	case errors.Is(err, models.ErrLastAdmin):
		return problem(http.StatusConflict, "error.last_admin")
	case err != nil:
		return notFound(c, err)
	}
	if err := a.changedUser(c, admin, user, changed); err != nil {
		return err
	}
	if prefersHTML(c) {
		return a.done(c, "/admin/users/"+user.ID.String(), "changed")
	}
	return c.Render(http.StatusOK, a.pages.json(newAccountJSON(*user)))
}

// changeOf reads what is to change, from JSON or from a form.
func changeOf(c buffalo.Context) (change models.Change, err error) {
	var form struct {
		Role     *string `json:"role" form:"role"`
		Disabled *bool   `json:"disabled" form:"disabled"`
	}
	if err := c.Bind(&form); err != nil {
		return change, badBody(err)
	}
	if form.Role == nil && form.Disabled == nil {
		return change, problem(http.StatusBadRequest, "error.change")
	}
	return models.Change{Role: form.Role, Disabled: form.Disabled}, nil
}

// changedUser ends the sessions of a user who was changed, and writes down what was.
func (a *app) changedUser(c buffalo.Context, admin, user *models.User, changed models.Change) error {
	events, why := models.EventsOf(user, changed)
	for _, event := range events {
		a.audit(c, by(admin, event))
	}
	if why == "" {
		return nil
	}
	n, err := a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: user.ID.String()})
	if err != nil {
		return err
	}
	if n > 0 {
		a.audit(c, by(admin, ended(user.ID.String(), why, n)))
	}
	return nil
}
