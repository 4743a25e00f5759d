package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

// A problem is how an error is answered. Handlers return one, or an error that
// problems maps to one.
type problem struct {
	kind   string // the end of its type (RFC 9457); "" for about:blank
	status int
	text   string // the ID of the user-facing message
	field  string // the field or parameter that is wrong, if it is one
}

func (p *problem) Error() string { return cmp.Or(p.kind, http.StatusText(p.status)) }

// The errors that handlers return themselves.
var (
	errAnonymous       = &problem{"not-signed-in", http.StatusUnauthorized, "error.not_signed_in", ""}
	errTokenRefused    = &problem{"token-refused", http.StatusUnauthorized, "error.token_refused", ""}
	errNoSuchUser      = &problem{"no-such-user", http.StatusUnauthorized, "error.no_such_user", ""}
	errDisabled        = &problem{"user-disabled", http.StatusUnauthorized, "error.disabled", ""}
	errNotRecent       = &problem{"sign-in-not-recent", http.StatusForbidden, "error.not_recent", ""}
	errOtherUser       = &problem{"other-user", http.StatusForbidden, "error.other_user", ""}
	errNotWhoBegan     = &problem{"other-user", http.StatusForbidden, "error.other_linker", ""}
	errProviderSignOut = &problem{"signed-out-at-provider", http.StatusForbidden, "error.signed_out_there", ""}
	errTooManySignIns  = &problem{"too-many-sign-ins", http.StatusTooManyRequests, "error.429", ""}
	errTooManyChanges  = &problem{"too-many-account-changes", http.StatusTooManyRequests, "error.too_many_changes", ""}
	errCrossOrigin     = &problem{"", http.StatusForbidden, "error.403", ""}
	errTokenAtSignIn   = &problem{"token-not-allowed", http.StatusBadRequest, "error.token_not_allowed", ""}
	errLogoutToken     = &problem{"invalid-logout-token", http.StatusBadRequest, "error.logout_token", ""}
	errNoKeys          = &problem{"provider-keys-unavailable", http.StatusBadGateway, "error.no_keys", ""}

	errNoUsername   = &problem{"invalid-field", http.StatusBadRequest, "error.no_username", "token"}
	errInvalidState = &problem{"invalid-field", http.StatusBadRequest, "error.state", "state"}
	errNoTarget     = &problem{"invalid-field", http.StatusBadRequest, "error.no_target", "user"}
	errNoChange     = &problem{"invalid-field", http.StatusBadRequest, "error.no_change", "role"}
	errTokenLabel   = &problem{"invalid-field", http.StatusUnprocessableEntity, "error.token_label", "label"}
	errTokenDays    = &problem{"invalid-field", http.StatusUnprocessableEntity, "error.token_days", "days"}
	errInvalidBody  = &problem{"invalid-body", http.StatusBadRequest, "error.400", ""}

	// For the client, these are like an address that does not exist.
	errNotAdmin  = &problem{"", http.StatusNotFound, "error.404", ""}
	errNotOwn    = &problem{"", http.StatusNotFound, "error.404", ""}
	errBypassOff = &problem{"", http.StatusNotFound, "error.404", ""}
)

// errInvalidBool returns the error for a field that is not true or false.
func errInvalidBool(field string) *problem {
	return &problem{"invalid-field", http.StatusBadRequest, "error.boolean", field}
}

// problems maps the errors of other packages to their answers. The first that
// matches counts.
var problems = []struct {
	err     error
	problem *problem
}{
	{sessionstore.ErrUnavailable, unavailable},
	{sessionstore.ErrConflict, &problem{"too-many-changes", http.StatusServiceUnavailable, "error.conflict", ""}},
	{sessionstore.ErrBearer, errTokenAtSignIn},
	{sessionstore.ErrEnded, &problem{"session-ended", http.StatusUnauthorized, "error.401", ""}},
	{sessionstore.ErrNotFound, notFound},

	{models.ErrDatabase, unavailable},
	{models.ErrNotFound, notFound},
	{models.ErrCursor, &problem{"invalid-field", http.StatusBadRequest, "error.cursor", "after"}},
	{models.ErrUsername, &problem{"invalid-field", http.StatusUnprocessableEntity, "error.username", "username"}},
	{models.ErrUsernameTaken, &problem{"username-taken", http.StatusConflict, "error.username_taken", "username"}},
	{models.ErrIdentityTaken, &problem{"identity-taken", http.StatusConflict, "error.identity_taken", ""}},
	{models.ErrLastIdentity, &problem{"last-sign-in-method", http.StatusConflict, "error.last_method", ""}},
	{models.ErrRole, &problem{"invalid-field", http.StatusBadRequest, "error.role", "role"}},
	{models.ErrLastAdmin, &problem{"last-administrator", http.StatusConflict, "error.last_admin", ""}},

	{signin.ErrUnknownProvider, notFound},
	{signin.ErrNoAttempt, &problem{"sign-in-expired", http.StatusBadRequest, "error.expired_signin", ""}},
	{signin.ErrDenied, &problem{"sign-in-cancelled", http.StatusForbidden, "error.cancelled", ""}},
	{signin.ErrNoAuthTime, &problem{"no-authentication-time", http.StatusBadGateway, "error.no_auth_time", ""}},
	{signin.ErrLogoutToken, errLogoutToken},
	{signin.ErrProvider, &problem{"provider-failed", http.StatusBadGateway, "error.provider", ""}},

	{web.ErrCrossOrigin, errCrossOrigin},
	{web.ErrLimit, &problem{"invalid-field", http.StatusBadRequest, "error.limit", "limit"}},
}

// statuses are the statuses of error pages, with their titles, and what is said
// about an error that has no problem of its own.
var statuses = map[int]struct {
	title, text string
	retryAfter  string // in seconds; limits set their own
}{
	http.StatusBadRequest:            {"status.400", "error.400", ""},
	http.StatusUnauthorized:          {"status.401", "error.401", ""},
	http.StatusForbidden:             {"status.403", "error.403", ""},
	http.StatusNotFound:              {"status.404", "error.404", ""},
	http.StatusMethodNotAllowed:      {"status.405", "error.405", ""},
	http.StatusConflict:              {"status.409", "error.500", ""},
	http.StatusRequestEntityTooLarge: {"status.413", "error.413", ""},
	http.StatusUnprocessableEntity:   {"status.422", "error.500", ""},
	http.StatusTooManyRequests:       {"status.429", "error.429", ""},
	http.StatusInternalServerError:   {"status.500", "error.500", ""},
	http.StatusBadGateway:            {"status.502", "error.500", ""},
	http.StatusServiceUnavailable:    {"status.503", "error.503", "5"},
}

var (
	unavailable = &problem{status: http.StatusServiceUnavailable, text: "error.503"}
	notFound    = &problem{status: http.StatusNotFound, text: "error.404"}
	tooLarge    = &problem{status: http.StatusRequestEntityTooLarge, text: "error.413"}
)

// problemOf returns the answer for an error. status is Buffalo's, for errors of its
// own, such as 404 for an unknown path.
func problemOf(status int, err error) *problem {
	var bodyErr *http.MaxBytesError
	if errors.As(err, &bodyErr) {
		return tooLarge
	}
	var own *problem
	if errors.As(err, &own) {
		return own
	}
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.problem
		}
	}
	if _, known := statuses[status]; !known {
		status = http.StatusInternalServerError
	}
	return &problem{status: status, text: statuses[status].text}
}

// invalidBody returns the error for a body that cannot be read.
func invalidBody(err error) error { return fmt.Errorf("read body: %w: %w", err, errInvalidBody) }

// handleErrors makes answerError answer all errors.
func (a *app) handleErrors(b *buffalo.App) {
	b.ErrorHandlers.Default(a.answerError)
	b.ErrorHandlers[http.StatusNotFound] = a.answerError
	b.ErrorHandlers[http.StatusInternalServerError] = a.answerError
}

// answerError answers a request that failed. It does not change the session or its
// cookie.
func (a *app) answerError(status int, err error, c buffalo.Context) error {
	if loadErr := sessionstore.Err(c.Session().Session); errors.Is(loadErr, sessionstore.ErrUnavailable) {
		err = loadErr
	}
	p := problemOf(status, err)
	r := c.Request()
	if clientLeft := errors.Is(r.Context().Err(), context.Canceled); p.status >= http.StatusInternalServerError && !clientLeft {
		a.log.ErrorContext(r.Context(), "request failed", "status", p.status, "error", err)
	}
	if p.status == http.StatusUnauthorized && a.usesToken(r) {
		p = errTokenRefused
	}
	a.logRefusal(c, p, err)
	a.setErrorHeaders(c, p)
	if web.PrefersHTML(r) {
		return a.errorPage(c, p, err)
	}
	return a.writeProblem(c, p)
}

func (a *app) setErrorHeaders(c buffalo.Context, p *problem) {
	header := c.Response().Header()
	if retryAfter := statuses[p.status].retryAfter; retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	if p == errTokenRefused {
		header.Set("WWW-Authenticate", tokenChallenge)
	}
	if p.status == http.StatusMethodNotAllowed {
		header.Set("Allow", strings.Join(a.allowed(c.Request()), ", "))
	}
}

// allowed returns the methods that the request's path supports (RFC 9110, 15.5.6).
func (a *app) allowed(r *http.Request) []string {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	return slices.DeleteFunc(methods, func(method string) bool { return !a.hasRoute(r, method) })
}

// hasRoute reports whether the request's path supports a method.
func (a *app) hasRoute(r *http.Request, method string) bool {
	as := r.Clone(r.Context())
	as.Method = method
	as.URL.Path = strings.TrimSuffix(as.URL.Path, "/") + "/" // all of Buffalo's routes end with a slash
	match := mux.RouteMatch{}
	return a.router.Match(as, &match) && match.MatchErr == nil
}

// errorPage shows what went wrong. A failed sign-in shows the sign-in page again.
// The page has the user's menu if the database can be reached; the user of an
// unknown path has not been looked up yet.
func (a *app) errorPage(c buffalo.Context, p *problem, err error) error {
	if p.status < http.StatusInternalServerError && c.Value(userKey) == nil {
		if user, err := a.sessionUser(c); err == nil {
			c.Set(userKey, user)
		}
	}
	return a.pages.texts.Middleware()(func(c buffalo.Context) error {
		detail := a.pages.text(c, p.text, a.problemData(c, p))
		if isFailedSignIn(c.Request(), p.status) {
			a.setSignIn(c, a.signInMethods(), false)
			c.Set("token", c.Param("token"))
			c.Set("failure", detail)
			return a.pages.answer(c, p.status, "signin.plush.html", "signin")
		}
		c.Set("status", p.status)
		c.Set("detail", detail)
		c.Set("cause", a.causeForDevelopers(p, err))
		c.Set("back", a.previousPage(c.Request()))
		return a.pages.answer(c, p.status, "error.plush.html", statuses[p.status].title)
	})(c)
}

// causeForDevelopers returns the text of an internal error in development, and ""
// elsewhere.
func (a *app) causeForDevelopers(p *problem, err error) string {
	if a.cfg.Env != config.Development || p.status != http.StatusInternalServerError {
		return ""
	}
	return err.Error()
}

// isFailedSignIn reports whether an error means that a sign-in failed and that the
// user can try again.
func isFailedSignIn(r *http.Request, status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusBadGateway:
		return strings.HasPrefix(r.URL.Path, "/auth/")
	}
	return false
}

// writeProblem answers a program, in English.
func (a *app) writeProblem(c buffalo.Context, p *problem) error {
	detail, err := a.pages.texts.TranslateWithLang(english, p.text, a.problemData(c, p))
	if err != nil {
		return fmt.Errorf("say what is wrong: %w", err)
	}
	out := web.Problem{
		Type: "about:blank", Title: http.StatusText(p.status), Status: p.status, Detail: detail,
		RequestID: web.RequestID(c.Request().Context()),
	}
	if p.kind != "" {
		out.Type = "urn:latchkey:problem:" + p.kind
	}
	if p.field != "" {
		out.Errors = []web.FieldError{{Field: p.field, Detail: detail}}
	}
	return web.WriteProblem(c.Response(), out)
}

// problemData is what the texts of problems may contain.
func (a *app) problemData(c buffalo.Context, p *problem) map[string]any {
	data := maps.Clone(problemLimits)
	data["Field"] = p.field
	data["Provider"] = a.providerLabel(providerName(c))
	return data
}

var problemLimits = map[string]any{"MaxLimit": web.MaxLimit, "MaxLabel": maxTokenLabel, "MaxDays": maxTokenDays}
