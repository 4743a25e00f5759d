package actions

import (
	"errors"
	"net/http"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// userKey is where identify puts the current user, for handlers and templates.
const userKey = "current_user"

// userJSON is a user in the API.
type userJSON struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

func newUserJSON(u *models.User) userJSON {
	return userJSON{ID: u.ID.String(), Username: u.Username, Name: u.Name, Role: u.Role}
}

// identify finds the current user. If they have been disabled or deleted, the
// session is revoked.
func (a *app) identify(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		user, err := a.sessionUser(c)
		if err != nil {
			return err
		}
		c.Set(userKey, user)
		return next(c)
	}
}

// sessionUser returns the session's user, or nil if the session is anonymous.
func (a *app) sessionUser(c buffalo.Context) (*models.User, error) {
	id, ok := c.Session().Get(sessions.UserKey).(string)
	if !ok {
		return nil, nil
	}
	user, err := models.EnabledUserByID(a.db.WithContext(c.Request().Context()), id)
	if errors.Is(err, models.ErrNotFound) {
		a.audit(c, models.NewSessionEvent(id, models.RevokedUserGone, 1))
		if err := sessionstore.SignOut(c.Session().Session); err != nil {
			return nil, err
		}
		return nil, c.Session().Save()
	}
	return user, err
}

// currentUser returns the current user, or nil if the request is anonymous.
func currentUser(c buffalo.Context) *models.User {
	user, _ := c.Value(userKey).(*models.User)
	return user
}

// usersOnly answers 401 to anonymous requests.
func (a *app) usersOnly(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if currentUser(c) == nil {
			return errAnonymous
		}
		return next(c)
	}
}

// signedIn is usersOnly, but sends browsers that want a page to sign in and then
// back.
func (a *app) signedIn(next buffalo.Handler) buffalo.Handler {
	next = a.usersOnly(next)
	return func(c buffalo.Context) error {
		if currentUser(c) == nil && c.Request().Method == http.MethodGet && a.isBrowser(c) {
			return c.Redirect(http.StatusSeeOther, "%s", withReturn("/signin", here(c.Request())))
		}
		return next(c)
	}
}

// adminsOnly calls next for administrators only. For others, the address does not
// exist (ASVS 5.0 8.2.1, 8.3.1).
func (a *app) adminsOnly(next buffalo.Handler) buffalo.Handler {
	return a.signedIn(func(c buffalo.Context) error {
		if currentUser(c).Role != models.RoleAdmin {
			return errNotAdmin
		}
		return next(c)
	})
}

// isBrowser reports whether the client can be sent to the sign-in page.
func (a *app) isBrowser(c buffalo.Context) bool {
	return web.PrefersHTML(c.Request()) && !a.usesToken(c.Request())
}
