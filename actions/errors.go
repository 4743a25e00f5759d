package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/sessionstore"
)

// retryAfter is how long a client should wait for the database, in seconds.
const retryAfter = "5"

// A sentence is an error that people may read, in their language; of any other they
// learn only the status.
type sentence struct {
	id   string // of the text
	data any    // what the text names
	kind string // the type by which programs tell it apart (RFC 9457); "" for none
}

func (s sentence) Error() string { return strings.TrimSpace(fmt.Sprint(s.id, " ", s.data)) }

// problem returns an error that ends the request with status and the text of id.
func problem(status int, id string, data ...any) error {
	s := sentence{id: id}
	if len(data) > 0 {
		s.data = data[0]
	}
	return buffalo.HTTPError{Status: status, Cause: s}
}

// unavailable ends the request with 503: the database did not answer.
func unavailable(err error) error {
	return buffalo.HTTPError{Status: http.StatusServiceUnavailable, Cause: err}
}

// badBody ends the request with 400, or 413 where the body was too large.
func badBody(err error) error {
	return buffalo.HTTPError{Status: statusOf(http.StatusBadRequest, err), Cause: fmt.Errorf("read body: %w", err)}
}

// statusOf maps errors to statuses, for the whole app.
func statusOf(status int, err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, sessionstore.ErrUnavailable), errors.Is(err, sessionstore.ErrConflict):
		return http.StatusServiceUnavailable
	case errors.Is(err, sessionstore.ErrBearer):
		return http.StatusBadRequest
	case errors.Is(err, sessionstore.ErrEnded):
		return http.StatusUnauthorized
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return status
}

// statusTexts are the statuses with a text for those who came without a sentence.
var statusTexts = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable,
}

// sentenceFor is what people read about an error.
func sentenceFor(status int, err error) sentence {
	var s sentence
	switch {
	case errors.As(err, &s):
		return s
	case errors.Is(err, sessionstore.ErrConflict):
		return sentence{id: "error.conflict"}
	case errors.Is(err, sessionstore.ErrBearer):
		return sentence{id: "error.bearer"}
	case slices.Contains(statusTexts, status):
		return sentence{id: "error." + strconv.Itoa(status)}
	}
	return sentence{id: "error.500"}
}

// handleErrors has every error of every status answered by answerError.
func (a *app) handleErrors(b *buffalo.App) {
	b.ErrorHandlers.Default(a.answerError)
	b.ErrorHandlers[http.StatusNotFound] = a.answerError
	b.ErrorHandlers[http.StatusInternalServerError] = a.answerError
}

// answerError ends a request that failed. It leaves the session and its cookie
// as they are.
func (a *app) answerError(status int, err error, c buffalo.Context) error {
	if loadErr := sessionstore.Err(c.Session().Session); errors.Is(loadErr, sessionstore.ErrUnavailable) {
		status, err = http.StatusServiceUnavailable, loadErr
	}
	status = statusOf(status, err)
	if clientLeft := errors.Is(c.Request().Context().Err(), context.Canceled); status >= http.StatusInternalServerError && !clientLeft {
		a.log.ErrorContext(c.Request().Context(), "request failed", "status", status, "error", err)
	}
	switch status {
	case http.StatusUnauthorized:
		challenge(a.store, c.Response(), c.Request())
	case http.StatusServiceUnavailable:
		c.Response().Header().Set("Retry-After", retryAfter)
	case http.StatusTooManyRequests:
		c.Response().Header().Set("Retry-After", limitRetryAfter)
	case http.StatusMethodNotAllowed:
		c.Response().Header().Set("Allow", strings.Join(a.allowed(c.Request()), ", "))
	}
	text := sentenceFor(status, err)
	if status == http.StatusUnauthorized && a.store.IsBearer(c.Request()) {
		text = sentence{id: "error.token_refused"} // it is not that nobody is signed in
	}
	if !prefersHTML(c) {
		return a.writeProblem(c, status, text)
	}
	return a.answerErrorPage(c, status, text)
}

// allowed lists the methods that the request's address takes (RFC 9110, 15.5.6).
func (a *app) allowed(r *http.Request) []string {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	return slices.DeleteFunc(methods, func(method string) bool { return !a.takes(r, method) })
}

// takes reports whether the request's address takes a method.
func (a *app) takes(r *http.Request, method string) bool {
	as := r.Clone(r.Context())
	as.Method = method
	as.URL.Path = strings.TrimSuffix(as.URL.Path, "/") + "/" // as Buffalo spells it
	match := mux.RouteMatch{}
	return a.router.Match(as, &match) && match.MatchErr == nil
}

// answerErrorPage shows the page, with the user's menu where the database can
// be asked who that is: a missing page has not gone through identify. Who could not
// be signed in sees why above the ways in.
func (a *app) answerErrorPage(c buffalo.Context, status int, text sentence) error {
	if status < http.StatusInternalServerError && c.Value(userKey) == nil {
		if user, err := a.sessionUser(c); err == nil {
			c.Set(userKey, user)
		}
	}
	return a.pages.texts.Middleware()(func(c buffalo.Context) error {
		if isFailedSignIn(c.Request(), status) {
			a.setSignIn(c, a.waysIn(), false)
			c.Set("token", c.Param("token"))
			c.Set("failure", a.pages.texts.Translate(c, text.id, text.data))
			return a.pages.writeError(c, status, "signin.plush.html", "signin")
		}
		c.Set("status", status)
		c.Set("detail", a.pages.texts.Translate(c, text.id, text.data))
		c.Set("back", "/")
		if c.Request().Method != http.MethodGet {
			c.Set("back", a.pageOf(c.Request()))
		}
		return a.pages.writeError(c, status, "error.plush.html", "status."+strconv.Itoa(titled(status)))
	})(c)
}

// isFailedSignIn reports whether an error means that somebody was not signed in, who
// can try again.
func isFailedSignIn(r *http.Request, status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusBadGateway:
		return strings.HasPrefix(r.URL.Path, "/auth/")
	}
	return false
}

// problemJSON is an error in JSON (RFC 9457).
type problemJSON struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
}

// writeProblem answers a program, which is told in English.
func (a *app) writeProblem(c buffalo.Context, status int, text sentence) error {
	detail, err := a.pages.texts.TranslateWithLang(english, text.id, text.data)
	if err != nil {
		return fmt.Errorf("say what is wrong: %w", err)
	}
	return writeJSON(c.Response(), status, "application/problem+json", problemJSON{
		Type:      cmp.Or(text.kind, "about:blank"),
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    detail,
		RequestID: requestID(c.Request().Context()),
	})
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}
