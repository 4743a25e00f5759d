package actions

import (
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/text"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	defaultTokenDays = 30
	maxTokenDays     = 365

	// maxTokenLabel is the size of the column label, in characters.
	maxTokenLabel = 64

	// tokenChallenge is the WWW-Authenticate header for a refused access token (RFC
	// 6750, 3).
	tokenChallenge = `Bearer error="invalid_token"`
)

// usesToken reports whether a request has an access token, valid or not.
func (a *app) usesToken(r *http.Request) bool { return a.store.IsBearer(r) }

// browsersOnly refuses requests with an access token.
func (a *app) browsersOnly(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.usesToken(c.Request()) {
			return sessionstore.ErrBearer
		}
		return next(c)
	}
}

// createToken creates an access token for the current user and shows it once.
func (a *app) createToken(c buffalo.Context) error {
	form, err := readToken(c)
	if err == nil {
		err = form.check()
	}
	if err != nil {
		forms := newAccountForms(c)
		forms.tokenLabel, forms.tokenDays = c.Param("label"), c.Param("days")
		return a.refuseForm(c, forms, err)
	}
	lifetime := time.Duration(*form.Days) * 24 * time.Hour
	token, record, err := a.store.IssueToken(c.Request(), c.Session().Session, form.Label, lifetime)
	if err != nil {
		return err
	}
	event := notable(about(currentUser(c), models.TokenCreated, config.TokenMethod))
	event.SID, event.Detail = record.SID, record.Label
	a.audit(c, event)
	return a.showToken(c, token, newSessionJSON(record, c.Session().Session.ID))
}

func (a *app) showToken(c buffalo.Context, token string, session sessionJSON) error {
	if web.PrefersHTML(c.Request()) {
		c.Set("token", token)
		c.Set("token_session", session)
		c.Set("base", a.cfg.BaseURLFor(c.Request().Host))
		return a.pages.answer(c, http.StatusCreated, "token.plush.html", "tokens.title")
	}
	return a.pages.json(c, http.StatusCreated, struct {
		Token   string      `json:"token"`
		Session sessionJSON `json:"session"`
	}{token, session})
}

type tokenForm struct {
	Label string `json:"label" form:"label"`
	Days  *int   `json:"days" form:"days"` // nil means defaultTokenDays
}

// readToken reads the form. In a browser's form, only the number of days can be
// unreadable.
func readToken(c buffalo.Context) (tokenForm, error) {
	var form tokenForm
	err := c.Bind(&form)
	switch {
	case err == nil:
		return form, nil
	case web.PrefersHTML(c.Request()) && problemOf(http.StatusBadRequest, err) != tooLarge:
		return form, errTokenDays
	}
	return form, invalidBody(err)
}

// check validates the form and sets what was left out.
func (f *tokenForm) check() error {
	f.Label = strings.TrimSpace(f.Label)
	if !isTokenLabel(f.Label) {
		return errTokenLabel
	}
	if f.Days == nil {
		days := defaultTokenDays
		f.Days = &days
	}
	if *f.Days < 1 || *f.Days > maxTokenDays {
		return errTokenDays
	}
	return nil
}

// isTokenLabel reports whether people can read a label, and the database can store it
// unchanged.
func isTokenLabel(label string) bool {
	isVisible := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	isHarmful := func(r rune) bool { return r == utf8.RuneError || text.IsHarmful(r) }
	return utf8.RuneCountInString(label) <= maxTokenLabel && strings.ContainsFunc(label, isVisible) && !strings.ContainsFunc(label, isHarmful)
}
