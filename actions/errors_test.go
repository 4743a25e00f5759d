package actions

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

func TestProblemOf(t *testing.T) {
	for err, want := range map[error]struct {
		status int
		text   string
	}{
		errNoUsername:               {http.StatusBadRequest, "error.no_username"},
		sessionstore.ErrUnavailable: {http.StatusServiceUnavailable, "error.503"},
		sessionstore.ErrConflict:    {http.StatusServiceUnavailable, "error.conflict"},
		sessionstore.ErrBearer:      {http.StatusBadRequest, "error.token_not_allowed"},
		sessionstore.ErrEnded:       {http.StatusUnauthorized, "error.401"},
		sessionstore.ErrNotFound:    {http.StatusNotFound, "error.404"},
		models.ErrDatabase:          {http.StatusServiceUnavailable, "error.503"},
		models.ErrNotFound:          {http.StatusNotFound, "error.404"},
		models.ErrLastAdmin:         {http.StatusConflict, "error.last_admin"},
		signin.ErrNoAttempt:         {http.StatusBadRequest, "error.expired_signin"},
		signin.ErrProvider:          {http.StatusBadGateway, "error.provider"},
		web.ErrLimit:                {http.StatusBadRequest, "error.limit"},
		new(http.MaxBytesError):     {http.StatusRequestEntityTooLarge, "error.413"},
		errors.New("unknown"):       {http.StatusInternalServerError, "error.500"},
	} {
		got := problemOf(http.StatusTeapot, fmt.Errorf("do it: %w", err))
		if got.status != want.status || got.text != want.text {
			t.Errorf("%v: %d %s, want %d %s", err, got.status, got.text, want.status, want.text)
		}
	}
}

// A status of Buffalo's stays if nothing else is known about the error.
func TestProblemOf_Status(t *testing.T) {
	for status, want := range map[int]string{404: "error.404", 405: "error.405", 403: "error.403", 500: "error.500"} {
		if got := problemOf(status, errors.New("unknown")); got.status != status || got.text != want {
			t.Errorf("%d: %d %s, want %s", status, got.status, got.text, want)
		}
	}
}

// Every problem has a status with a title for its page, and every kind has one status
// only, so that programs can rely on it.
func TestProblems(t *testing.T) {
	kinds := map[string]int{}
	for _, row := range problems {
		p := row.problem
		if _, ok := statuses[p.status]; !ok {
			t.Errorf("%v: there is no title for %d", row.err, p.status)
		}
		if before, seen := kinds[p.kind]; seen && before != p.status && p.kind != "" && p.kind != "invalid-field" {
			t.Errorf("%s has the statuses %d and %d", p.kind, before, p.status)
		}
		kinds[p.kind] = p.status
	}
}

// A failed sign-in shows the sign-in page again, unless trying again does not help.
func TestIsFailedSignIn(t *testing.T) {
	for path, statuses := range map[string]map[int]bool{
		"/auth/bypass":          {400: true, 401: true, 403: true, 429: true, 502: true, 404: false, 405: false, 413: false, 500: false, 503: false},
		"/auth/google/callback": {400: true, 401: true, 403: true, 429: true, 502: true, 409: false},
		"/session":              {400: false, 401: false, 403: false},
		"/tokens":               {400: false, 403: false},
	} {
		for status, want := range statuses {
			if got := isFailedSignIn(httptest.NewRequest(http.MethodPost, path, nil), status); got != want {
				t.Errorf("%d at %s: %t, want %t", status, path, got, want)
			}
		}
	}
}
