package actions

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

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
// development and staging only, and only when BYPASS_AUTH is true: otherwise there
// is nothing at its address.
func (a *app) bypass(c buffalo.Context) error {
	if !a.cfg.BypassAuth {
		return c.Error(http.StatusNotFound, errors.New("the bypass is switched off"))
	}
	if a.store.IsBearer(c.Request()) {
		return sessionstore.ErrBearer
	}
	username, remember, err := bypassForm(c)
	if err != nil {
		return err
	}
	user, err := models.FindUserByUsername(a.db.WithContext(c.Request().Context()), username)
	if errors.Is(err, models.ErrNotFound) {
		a.audit(c, failure(bypassMethod, "", "no_such_user"), "username", clip(username))
		if a.countFailure(c) {
			return errTooMany
		}
		return problem(http.StatusUnauthorized, "error.no_such_user")
	}
	if err != nil {
		return unavailable(err)
	}
	page := localPath(c.Param("return_to"))
	if err := a.signIn(c, user, arrival{method: bypassMethod, at: time.Now(), remember: remember, page: page}); err != nil {
		return err
	}
	return a.signedIn(c, user, page)
}

// bypassForm reads token and remember from the query, a form or a JSON body.
func bypassForm(c buffalo.Context) (username string, remember bool, err error) {
	form := struct {
		Token    string `json:"token"`
		Remember any    `json:"remember"`
	}{c.Param("token"), c.Param("remember")}
	contentType, _ := c.Value("contentType").(string)
	if strings.Contains(contentType, "json") && c.Request().Method == http.MethodPost && c.Request().ContentLength != 0 {
		if err := c.Bind(&form); err != nil && !errors.Is(err, io.EOF) {
			return "", false, badBody(err)
		}
	}
	if strings.TrimSpace(form.Token) == "" {
		return "", false, problem(http.StatusBadRequest, "error.token")
	}
	remember, ok := wish(form.Remember)
	if !ok {
		return "", false, errRemember
	}
	return form.Token, remember, nil
}

// wish reads a yes or no as a program says it, in JSON or not, or as a
// checkbox does, which sends nothing for no.
func wish(given any) (yes, ok bool) {
	if given == nil {
		return false, true
	}
	switch fmt.Sprint(given) {
	case "true", "1", "on":
		return true, true
	case "false", "0", "":
		return false, true
	}
	return false, false
}

// An arrival is how somebody came in.
type arrival struct {
	method   string
	at       time.Time // when he proved who he is; zero if nobody knows
	origin   string    // the provider's session that it came out of, if it has one
	subject  string    // and whose that was
	remember bool
	page     string // where it leads, of this app
}

// signIn is what every way in ends with: a session of the user's, with a sid
// and secret that nobody has seen before, written before the response begins.
func (a *app) signIn(c buffalo.Context, user *models.User, by arrival) error {
	session := c.Session()
	login := sessionstore.Login{
		UserID: user.ID.String(), Method: by.method, AuthenticatedAt: by.at, Remember: by.remember,
		ProviderSession: by.origin, ProviderSubject: by.subject,
	}
	if by.at.IsZero() {
		login.AuthenticatedAt = sessionstore.UnknownTime
	}
	if err := sessionstore.SignIn(session.Session, login); err != nil {
		return err
	}
	if err := takeUp(c, by.page); err != nil {
		return err
	}
	if err := session.Save(); err != nil {
		return err
	}
	event := about(user, models.SignInSucceeded, by.method)
	event.SID = session.Session.ID
	a.audit(c, event, "remember", by.remember)
	return nil
}
