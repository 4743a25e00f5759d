// Package sessionmw puts a sessionstore into a Buffalo app: what Buffalo has no
// place for in its SessionStore option.
//
//	store, err := sessionstore.New(models.DB, sessionstore.Options{
//		Secrets:   [][]byte{secret},
//		Transient: sessionmw.Transient,
//	})
//	app = buffalo.New(buffalo.Options{SessionStore: store, SessionName: "__Host-session"})
//	app.Use(sessionmw.Require)
//	app.Use(sessionmw.Transaction(popmw.Transaction(models.DB)))
package sessionmw

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
)

// Require answers 503 when the session could not be loaded, which Buffalo does
// not tell: the app would take everybody for a stranger. It belongs in front of
// every middleware that asks who is signed in.
func Require(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if err := sessionstore.Err(c.Session().Session); err != nil {
			c.Response().Header().Set("Retry-After", "5")
			return c.Error(http.StatusServiceUnavailable, err)
		}
		return next(c)
	}
}

// Transaction has sessions saved in the transaction that around, which is
// popmw.Transaction, begins for each request. When that is rolled back the
// session is saved by itself; see [sessionstore.Settle]. Without it an app
// hangs as soon as a request that wrote something saves its session: on SQLite,
// or when the connections of the pool are all in transactions.
func Transaction(around buffalo.MiddlewareFunc) buffalo.MiddlewareFunc {
	return func(next buffalo.Handler) buffalo.Handler {
		return func(c buffalo.Context) (err error) {
			succeeded := false
			defer func() {
				committed := succeeded && err == nil
				settleErr := sessionstore.Settle(c.Request(), c.Session().Session, committed)
				if settleErr != nil && err == nil && answered(c) {
					c.Logger().Errorf("the session was not saved after the answer: %v", settleErr)
					return // nothing can be added to the answer
				}
				err = errors.Join(err, settleErr)
			}()
			return around(func(c buffalo.Context) error {
				succeeded = false // the handler may run again
				tx, ok := c.Value("tx").(*pop.Connection)
				if !ok {
					return fmt.Errorf("sessionmw.Transaction: no transaction under %q: is it around popmw.Transaction?", "tx")
				}
				if err := sessionstore.InTransaction(c.Request(), tx); err != nil {
					return err
				}
				err := next(c)
				succeeded = err == nil && !failed(c)
				return err
			})(c)
		}
	}
}

// answered reports whether the response has begun.
func answered(c buffalo.Context) bool {
	response, ok := c.Response().(*buffalo.Response)
	return ok && response.Status != 0
}

// failed reports whether the response is one that popmw.Transaction rolls back
// for.
func failed(c buffalo.Context) bool {
	response, ok := c.Response().(*buffalo.Response)
	return ok && response.Status >= http.StatusBadRequest
}

// Transient names, as Options.Transient, what Buffalo puts into every session,
// used or not: a number for its log, and the flash messages, mostly none.
func Transient(key, value any) bool {
	if key == "requestor_id" {
		return true
	}
	flash, ok := value.([]byte)
	return ok && key == "_flash_" && string(flash) == "{}"
}
