package actions

import (
	"errors"
	"net/http"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// userKey is where identify leaves the user, for handlers and templates.
const userKey = "current_user"

// identify finds out who asks. A user who was disabled or deleted since is
// nobody, and the session ends.
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

// sessionUserKey is where sessionstore.SignIn puts the user's id.
const sessionUserKey = "user_id"

// sessionUser returns the user of the session, and nil when nobody is signed
// in.
func (a *app) sessionUser(c buffalo.Context) (*models.User, error) {
	id, ok := c.Session().Get(sessionUserKey).(string)
	if !ok {
		return nil, nil
	}
	user, err := models.FindUser(a.db.WithContext(c.Request().Context()), id)
	if errors.Is(err, models.ErrNotFound) {
		a.audit(c, ended(id, models.EndedUserGone, 1))
		if err := sessionstore.SignOut(c.Session().Session); err != nil {
			return nil, err
		}
		return nil, c.Session().Save()
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return user, nil
}

// currentUser returns who asks, and nil for nobody.
func currentUser(c buffalo.Context) *models.User {
	user, _ := c.Value(userKey).(*models.User)
	return user
}

// errNobody is the answer where somebody must be signed in.
var errNobody = problem(http.StatusUnauthorized, "error.nobody")
