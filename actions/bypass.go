package actions

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
)

// bypassOnly makes next exist only if BYPASS_AUTH is true, which config refuses in
// production.
func (a *app) bypassOnly(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if !a.cfg.BypassAuth {
			return errBypassOff
		}
		return next(c)
	}
}

// bypass is the development sign-in: it signs in the user with the username in
// token, without a password.
func (a *app) bypass(c buffalo.Context) error {
	form, err := readBypass(c)
	if err != nil {
		return err
	}
	user, err := models.EnabledUserByUsername(a.db.WithContext(c.Request().Context()), form.username)
	if errors.Is(err, models.ErrNotFound) {
		if a.limits.failures.isExceeded(c) {
			return errTooManySignIns
		}
		a.audit(c, failure(config.BypassMethod, "", failedNoSuchUser), "username", web.Clip(form.username))
		return errNoSuchUser
	}
	if err != nil {
		return err
	}
	if err := a.signIn(c, user, login{method: config.BypassMethod, authenticatedAt: time.Now(), remember: form.remember}); err != nil {
		return err
	}
	return a.answerSignIn(c, user, localPath(c.Param("return_to")))
}

type bypassForm struct {
	username string
	remember bool
}

// readBypass reads token and remember from the query, a form or a JSON body.
func readBypass(c buffalo.Context) (bypassForm, error) {
	given := struct {
		Token    string `json:"token"`
		Remember any    `json:"remember"`
	}{c.Param("token"), c.Param("remember")}
	r := c.Request()
	contentType, _ := c.Value("contentType").(string)
	if strings.Contains(contentType, "json") && r.Method == http.MethodPost && r.ContentLength != 0 {
		if err := c.Bind(&given); err != nil && !errors.Is(err, io.EOF) {
			return bypassForm{}, invalidBody(err)
		}
	}
	if strings.TrimSpace(given.Token) == "" {
		return bypassForm{}, errNoUsername
	}
	remember, ok := web.ParseBool(given.Remember)
	if !ok {
		return bypassForm{}, errInvalidBool("remember")
	}
	return bypassForm{given.Token, remember}, nil
}
