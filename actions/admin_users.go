package actions

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// accountJSON is a user in the API for administrators.
type accountJSON struct {
	userJSON
	Email      string  `json:"email"`
	DisabledAt *string `json:"disabled_at"`
	CreatedAt  string  `json:"created_at"`
}

func newAccountJSON(u *models.User) accountJSON {
	j := accountJSON{userJSON: newUserJSON(u), Email: u.Email, CreatedAt: u.CreatedAt.UTC().Format(time.RFC3339)}
	if u.DisabledAt.Valid {
		j.DisabledAt = timeOrNull(u.DisabledAt.Time.UTC())
	}
	return j
}

// listUsers finds users by the beginning of their usernames.
func (a *app) listUsers(c buffalo.Context) error {
	page, err := web.ParsePage(c.Request().URL.Query())
	if err != nil {
		return err
	}
	found, next, err := models.SearchUsers(a.db.WithContext(c.Request().Context()), c.Param("q"), page.After, page.Limit)
	if err != nil {
		return err
	}
	users := []accountJSON{}
	for _, u := range found {
		users = append(users, newAccountJSON(&u))
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, struct {
			Users []accountJSON `json:"users"`
			Next  *string       `json:"next"`
		}{users, web.Cursor(next)})
	}
	c.Set("users", users)
	c.Set("q", c.Param("q"))
	setPaging(c, page, next)
	c.Set("next_page", "/admin/users?"+url.Values{"q": {c.Param("q")}, "after": {next}}.Encode())
	return a.pages.show(c, "admin_users.plush.html", "admin.users")
}

// userOnPath returns the user whose ID is in the path, disabled or not.
func (a *app) userOnPath(c buffalo.Context) (*models.User, error) {
	return models.UserByID(a.db.WithContext(c.Request().Context()), mux.Vars(c.Request())["id"])
}

// showUser shows a user, with their events on the page.
func (a *app) showUser(c buffalo.Context) error {
	user, err := a.userOnPath(c)
	if err != nil {
		return err
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, newAccountJSON(user))
	}
	n, err := a.store.Count(c.Request().Context(), sessionstore.Filter{UserID: user.ID.String()})
	if err != nil {
		return err
	}
	events, page, next, err := a.eventPage(c, user)
	if err != nil {
		return err
	}
	c.Set("user", newAccountJSON(user))
	c.Set("disabled", !user.MaySignIn())
	c.Set("is_admin", user.Role == models.RoleAdmin)
	c.Set("count", int(n))
	c.Set("events", newEventsJSON(events, next).Events)
	setPaging(c, page, next)
	return a.pages.show(c, "admin_user.plush.html", "admin.user")
}

// listUserEvents returns a user's events. Pages show them in showUser.
func (a *app) listUserEvents(c buffalo.Context) error {
	user, err := a.userOnPath(c)
	if err != nil {
		return err
	}
	events, _, next, err := a.eventPage(c, user)
	if err != nil {
		return err
	}
	return a.pages.json(c, http.StatusOK, newEventsJSON(events, next))
}

// changeUser changes a user's role, or disables or enables them, and revokes their
// sessions.
func (a *app) changeUser(c buffalo.Context) error {
	change, err := readChange(c)
	if err != nil {
		return err
	}
	record := func(e models.Event) error {
		a.audit(c, e)
		return nil
	}
	result, err := a.accounts.Change(c.Request().Context(), mux.Vars(c.Request())["id"], change, currentUser(c), record)
	if err != nil {
		return err
	}
	if web.PrefersHTML(c.Request()) {
		return a.changed(c, "/admin/users/"+result.User.ID.String(), noticeUserChanged)
	}
	return a.pages.json(c, http.StatusOK, newAccountJSON(result.User))
}

// readChange reads the change from JSON or from a form.
func readChange(c buffalo.Context) (models.Change, error) {
	var form struct {
		Role     *string `json:"role" form:"role"`
		Disabled *bool   `json:"disabled" form:"disabled"`
	}
	if err := c.Bind(&form); err != nil {
		return models.Change{}, invalidBody(err)
	}
	if form.Role == nil && form.Disabled == nil {
		return models.Change{}, errNoChange
	}
	return models.Change{Role: form.Role, Disabled: form.Disabled}, nil
}
