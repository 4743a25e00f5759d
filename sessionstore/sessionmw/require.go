package sessionmw

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/envy"

	"github.com/latchkey/latchkey/sessionstore"
)

// retryAfter is the Retry-After header of a 503, in seconds.
const retryAfter = "5"

// Require answers 503 with Retry-After when the session could not be loaded. Buffalo drops
// that error, so without Require the app would treat the user as anonymous. Use it before
// all middleware that needs the current user.
//
// If the app uses another session store, Require answers 500, because sign-ins would not
// be stored. In the test environment it lets the request pass: Buffalo's test suite
// replaces the app's store with its own.
func Require(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if err := sessionError(c, sessionstore.Err(c.Session().Session)); err != nil {
			return err
		}
		return next(c)
	}
}

// sessionError returns the error to answer for an error of the session store, or nil if
// the request can go on.
func sessionError(c buffalo.Context, err error) error {
	switch {
	case err == nil, isSuite(c, err):
		return nil
	case errors.Is(err, sessionstore.ErrForeign):
		return c.Error(http.StatusInternalServerError, fmt.Errorf(
			"sessionmw: the app does not use the session store: set buffalo.Options.SessionStore to the store that sessionstore.New returned: %w", err))
	}
	return unavailable(c, err)
}

// isSuite reports whether the reason for err is that Buffalo's test suite replaced the
// app's session store.
func isSuite(c buffalo.Context, err error) bool {
	return errors.Is(err, sessionstore.ErrForeign) && environment(c) == "test"
}

// unavailable returns a 503 with Retry-After.
func unavailable(c buffalo.Context, err error) error {
	c.Response().Header().Set("Retry-After", retryAfter)
	return c.Error(http.StatusServiceUnavailable, err)
}

// environment returns the environment of the app, such as "production".
func environment(c buffalo.Context) string {
	if env, ok := c.Value("env").(string); ok && env != "" {
		return env
	}
	return goEnv()
}

// goEnv returns GO_ENV, with Buffalo's default.
func goEnv() string { return envy.Get("GO_ENV", "development") }

// Ignore is for [sessionstore.Options].Ignore. It reports whether Buffalo puts a value into
// every session: requestor_id, which it logs, and the flash messages if there are none.
// Without Ignore, every visitor would get a row and a cookie. It is safe for concurrent
// use.
func Ignore(key, value any) bool {
	if key == "requestor_id" {
		return true
	}
	flash, ok := value.([]byte)
	return ok && key == "_flash_" && string(flash) == "{}"
}
