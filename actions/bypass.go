package actions

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// bypassMethod is the session's auth_method after the bypass.
const bypassMethod = "bypass"

// userJSON is a user as the API shows one.
type userJSON struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

func newUserJSON(u *models.User) userJSON {
	return userJSON{ID: u.ID.String(), Username: u.Username, Name: u.Name, Role: u.Role}
}

// bypass signs in the user that token names, without a question. It exists in
// development and staging only, and only when BYPASS_AUTH is true.
func (a *app) bypass(c buffalo.Context) error {
	username, err := bypassToken(c)
	if err != nil {
		return err
	}
	user, err := models.FindUserByUsername(a.db.WithContext(c.Request().Context()), username)
	if errors.Is(err, models.ErrNotFound) {
		a.audit(c, "signin.failure", "method", bypassMethod, "username", clip(username))
		return problem(http.StatusUnauthorized, "There is no such user, or the user is disabled.")
	}
	if err != nil {
		return unavailable(err)
	}
	if err := a.signIn(c, user, bypassMethod); err != nil {
		return err
	}
	if prefersHTML(c) {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	return c.Render(http.StatusOK, a.pages.json(newUserJSON(user)))
}

// bypassToken reads token from the query, a form or a JSON body.
func bypassToken(c buffalo.Context) (string, error) {
	form := struct {
		Token string `json:"token"`
	}{Token: c.Param("token")}
	contentType, _ := c.Value("contentType").(string)
	if strings.Contains(contentType, "json") && c.Request().Method == http.MethodPost && c.Request().ContentLength != 0 {
		if err := c.Bind(&form); err != nil && !errors.Is(err, io.EOF) {
			return "", badBody(err)
		}
	}
	if strings.TrimSpace(form.Token) == "" {
		return "", problem(http.StatusBadRequest, "Say who signs in: token=USERNAME.")
	}
	return form.Token, nil
}

// signIn is what every way in ends with: a session of the user's, with a sid
// and secret that nobody has seen before, written before the response begins.
func (a *app) signIn(c buffalo.Context, user *models.User, method string) error {
	session := c.Session()
	if err := sessionstore.SignIn(session.Session, user.ID.String(), method); err != nil {
		return err
	}
	if err := session.Save(); err != nil {
		return err
	}
	a.audit(c, "signin.success", "method", method, "user", user.ID, "sid", session.Session.ID)
	return nil
}
