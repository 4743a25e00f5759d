package actions

import (
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// tokenMethod is the session's auth_method of a token.
	tokenMethod = "token"

	// How long a token lives unless its user asks for less or more, and at most.
	tokenDays    = 30
	maxTokenDays = 365

	// maxTokenName is what the column label holds, in characters.
	maxTokenName = 64
)

// tokenForm is what its user wants of a token.
type tokenForm struct {
	Name string `json:"name" form:"name"`
	Days *int   `json:"days" form:"days"`
}

// createToken makes a session for a program of who asks, and shows its key once.
func (a *app) createToken(c buffalo.Context) error {
	user, err := a.requireFreshFor(c, "tokens.create", "/account") // where its form is, also one that was refused
	if user == nil {
		return err
	}
	form, err := tokenFormOf(c)
	if err != nil {
		return err
	}
	if field, err := form.check(); err != nil {
		return a.refuseForm(c, user, accountForms{username: user.Username, tokenName: c.Param("name"), tokenDays: c.Param("days"), fault: err, field: field})
	}
	lifetime := time.Duration(*form.Days) * 24 * time.Hour
	token, record, err := a.store.IssueToken(c.Request(), c.Session().Session, form.Name, lifetime)
	if err != nil {
		return err
	}
	event := notable(about(user, models.TokenCreated, tokenMethod))
	event.SID, event.Detail = record.SID, record.Label
	a.audit(c, event)
	return a.showToken(c, token, newSessionJSON(record, c.Session().Session.ID))
}

func (a *app) showToken(c buffalo.Context, token string, session sessionJSON) error {
	if prefersHTML(c) {
		c.Set("token", token)
		c.Set("token_session", session)
		c.Set("base", a.baseURL(c.Request()))
		return a.pages.answer(c, http.StatusCreated, "token.plush.html", "tokens.title")
	}
	return c.Render(http.StatusCreated, a.pages.json(struct {
		Token   string      `json:"token"`
		Session sessionJSON `json:"session"`
	}{token, session}))
}

// tokenFormOf reads the form. In one that a browser sends only the number of days can be
// unreadable, which is then none that check takes.
func tokenFormOf(c buffalo.Context) (form tokenForm, err error) {
	err = c.Bind(&form)
	if err == nil {
		return form, nil
	}
	if !prefersHTML(c) || statusOf(http.StatusBadRequest, err) != http.StatusBadRequest {
		return form, badBody(err)
	}
	days := 0
	return tokenForm{Name: c.Param("name"), Days: &days}, nil
}

// check fills in what may be left out, and returns what is wrong with the form and the
// id of the field that it is about.
func (f *tokenForm) check() (field string, err error) {
	f.Name = strings.TrimSpace(f.Name)
	if !isTokenName(f.Name) {
		return "token-name", problem(http.StatusUnprocessableEntity, "error.token_name", struct{ Max int }{maxTokenName})
	}
	if f.Days == nil {
		days := tokenDays
		f.Days = &days
	}
	if *f.Days < 1 || *f.Days > maxTokenDays {
		return "token-days", problem(http.StatusUnprocessableEntity, "error.token_days", struct{ Max int }{maxTokenDays})
	}
	return "", nil
}

// isTokenName reports whether a name is one that stays as it is in the database, and
// that people can see and read as it is.
func isTokenName(name string) bool {
	isSeen := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	return strings.ContainsFunc(name, isSeen) && utf8.RuneCountInString(name) <= maxTokenName && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || r == utf8.RuneError || turns(r)
	})
}

// turns reports whether a character turns the direction of what follows, in the page
// too. The marks that Hebrew and Arabic need within a text do not.
func turns(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// baseURL is the address that a program reaches the app at, as far as it is known.
func (a *app) baseURL(r *http.Request) string {
	switch {
	case a.cfg.Host.Host != "":
		return a.cfg.Host.String()
	case a.cfg.Secure():
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// canSignIn reports whether who asks can be sent to sign in: somebody at a browser.
func (a *app) canSignIn(c buffalo.Context) bool {
	return prefersHTML(c) && !a.store.IsBearer(c.Request())
}

// refuseTokens answers 400 to a program that would sign in with a token.
func (a *app) refuseTokens(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.store.IsBearer(c.Request()) {
			return sessionstore.ErrBearer
		}
		return next(c)
	}
}

// challenge tells a program whose token is refused that it is the token (RFC 6750, 3).
func challenge(store *sessionstore.Store, w http.ResponseWriter, r *http.Request) {
	if store.IsBearer(r) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
}
