package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/sessionstore"
)

// retryAfter is how long a client should wait for the database, in seconds.
const retryAfter = "5"

// A sentence is an error that people may read; of any other they learn only
// the status.
type sentence string

func (s sentence) Error() string { return string(s) }

// kindOfProblem is a sentence that programs tell apart by a type.
type kindOfProblem struct {
	sentence
	kind string
}

// problem returns an error that ends the request with status and the sentence.
func problem(status int, text string) error {
	return buffalo.HTTPError{Status: status, Cause: sentence(text)}
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
	case errors.Is(err, sessionstore.ErrEnded):
		return http.StatusUnauthorized
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return status
}

// defaultSentences are what people read about a status that came without a
// sentence of its own.
var defaultSentences = map[int]string{
	http.StatusBadRequest:            "The request could not be read.",
	http.StatusUnauthorized:          "Your session has ended. Sign in again at /signin.",
	http.StatusForbidden:             "This request came from another site and was refused.",
	http.StatusNotFound:              "There is nothing at this address.",
	http.StatusMethodNotAllowed:      "This address does not take requests of that kind.",
	http.StatusRequestEntityTooLarge: "The request is too large.",
	http.StatusServiceUnavailable:    "The database does not answer. Try again in a moment; whoever is signed in stays signed in.",
}

const internalSentence = "Something went wrong on our side. It has been written down; try again."

func sentenceFor(status int, err error) string {
	var s sentence
	var k kindOfProblem
	switch {
	case errors.As(err, &k):
		return k.Error()
	case errors.As(err, &s):
		return s.Error()
	case errors.Is(err, sessionstore.ErrConflict):
		return "Too many of your requests came at once. Try again in a moment."
	}
	if text, ok := defaultSentences[status]; ok {
		return text
	}
	return internalSentence
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
	case http.StatusServiceUnavailable:
		c.Response().Header().Set("Retry-After", retryAfter)
	case http.StatusTooManyRequests:
		c.Response().Header().Set("Retry-After", limitRetryAfter)
	case http.StatusMethodNotAllowed:
		c.Response().Header().Set("Allow", strings.Join(a.allowed(c.Request()), ", "))
	}
	if !prefersHTML(c) {
		return writeProblem(c.Response(), c.Request(), status, typeOf(err), sentenceFor(status, err))
	}
	return a.answerErrorPage(c, status, sentenceFor(status, err))
}

// allowed lists the methods that the request's address takes (RFC 9110, 15.5.6).
func (a *app) allowed(r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		as := r.Clone(r.Context())
		as.Method = method
		match := mux.RouteMatch{}
		if a.router.Match(as, &match) && match.MatchErr == nil {
			methods = append(methods, method)
		}
	}
	return methods
}

// answerErrorPage shows the page, with the user's menu where the database can
// be asked who that is: a missing page has not gone through identify.
func (a *app) answerErrorPage(c buffalo.Context, status int, text string) error {
	if status < http.StatusInternalServerError && c.Value(userKey) == nil {
		if user, err := a.sessionUser(c); err == nil {
			c.Set(userKey, user)
		}
	}
	return a.pages.writeError(c, status, text)
}

// problemJSON is an error in JSON (RFC 9457).
type problemJSON struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
}

// typeOf is the type of a problem, for those that have one.
func typeOf(err error) string {
	var k kindOfProblem
	if errors.As(err, &k) {
		return k.kind
	}
	return "about:blank"
}

func writeProblem(w http.ResponseWriter, r *http.Request, status int, kind, detail string) error {
	return writeJSON(w, status, "application/problem+json", problemJSON{
		Type:      kind,
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    detail,
		RequestID: requestID(r.Context()),
	})
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}
