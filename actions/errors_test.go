package actions

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/latchkey/latchkey/sessionstore"
)

func TestStatusOf(t *testing.T) {
	for err, want := range map[error]int{
		sessionstore.ErrUnavailable:      http.StatusServiceUnavailable,
		sessionstore.ErrConflict:         http.StatusServiceUnavailable,
		sessionstore.ErrBearer:           http.StatusBadRequest,
		sessionstore.ErrEnded:            http.StatusUnauthorized,
		new(http.MaxBytesError):          http.StatusRequestEntityTooLarge,
		sessionstore.ErrNotFound:         http.StatusTeapot,
		fmt.Errorf("say what is not so"): http.StatusTeapot,
	} {
		if got := statusOf(http.StatusTeapot, fmt.Errorf("do it: %w", err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

func TestSentenceFor(t *testing.T) {
	said := sentence{id: "error.token"}
	for _, c := range []struct {
		status int
		err    error
		want   string
	}{
		{http.StatusNotFound, fmt.Errorf("find: %w", said), "error.token"},
		{http.StatusServiceUnavailable, sessionstore.ErrConflict, "error.conflict"},
		{http.StatusBadRequest, sessionstore.ErrBearer, "error.bearer"},
		{http.StatusNotFound, sessionstore.ErrNotFound, "error.404"},
		{http.StatusInternalServerError, sessionstore.ErrNotFound, "error.500"},
		{http.StatusTeapot, sessionstore.ErrNotFound, "error.500"},
	} {
		if got := sentenceFor(c.status, c.err); got.id != c.want {
			t.Errorf("%d, %v: %q, want %q", c.status, c.err, got.id, c.want)
		}
	}
}

// Who was not signed in sees the ways in again. Elsewhere, and where another attempt
// does not help, there is a page of the error alone.
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
