package sessionmw

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/internal/contextkey"
)

// Transaction saves sessions in the transaction of the request, which around starts.
// Replace popmw.Transaction(models.DB) with
// sessionmw.Transaction(popmw.Transaction(models.DB)). Without it, saving a session fails
// after 5 seconds if the transaction has the last connection of the pool or has written to
// SQLite; see [sessionstore.InTransaction]. To the methods of the store, pass c or
// c.Request().Context() as the context.
//
// The response is held back until the transaction is over, so that no browser gets a cookie
// whose session is not committed. If the handler or the commit fails, the response is
// dropped with its headers, and the error is returned. If no transaction can be started, or
// the session cannot be saved, that is a 503 with Retry-After. popmw also rolls back if the
// status is 400 or more; that response is sent, and the session is saved outside of the
// transaction, as [sessionstore.Settle] describes.
//
// Flush and Hijack send what is held, and everything after that is sent directly. A
// handler that streams, or sends more than fits in memory, must call Flush first.
func Transaction(around buffalo.MiddlewareFunc) buffalo.MiddlewareFunc {
	return func(next buffalo.Handler) buffalo.Handler {
		return func(c buffalo.Context) error {
			t := &transaction{c: c, response: hold(c)}
			return t.run(around, next)
		}
	}
}

// transaction is the transaction of one request.
type transaction struct {
	c         buffalo.Context
	response  *heldResponse
	began     bool            // the transaction was started and the handler called
	tx        *pop.Connection // nil until then
	succeeded bool            // neither an error nor a status that popmw rolls back for
	failed    error           // of the handler
}

func (t *transaction) run(around buffalo.MiddlewareFunc, next buffalo.Handler) error {
	returned := false
	defer func() {
		if !returned {
			t.abandon()
		}
	}()
	err := around(t.handler(next))(t.c)
	returned = true
	return t.finish(err)
}

// handler calls next in the transaction. Pop may call it more than once.
func (t *transaction) handler(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		t.response.reset()
		t.began, t.succeeded, t.failed = true, false, nil
		tx, ok := c.Value("tx").(*pop.Connection)
		if !ok {
			return errors.New(`sessionmw.Transaction: the context has no transaction under "tx": pass popmw.Transaction(models.DB) to it`)
		}
		if err := sessionstore.InTransaction(c.Request(), tx); err != nil {
			return err
		}
		c.Set(contextkey.Buffalo, c.Request().Context().Value(contextkey.Transaction{}))
		t.tx = tx
		err := next(c)
		t.succeeded, t.failed = err == nil && !rollsBack(c), err
		return err
	}
}

// rollsBack reports whether popmw rolls back because of the status of the response.
func rollsBack(c buffalo.Context) bool {
	response, ok := c.Response().(*buffalo.Response)
	return ok && (response.Status < http.StatusOK || response.Status >= http.StatusBadRequest)
}

// finish settles the session and sends or drops the response after the transaction, which
// returned err. It returns the error to answer.
func (t *transaction) finish(err error) error {
	if err != nil {
		return t.fail(err)
	}
	streamed := t.response.direct
	err = t.settle(t.succeeded)
	if err == nil {
		t.send()
		return nil
	}
	t.response.drop()
	if streamed {
		t.c.Logger().Errorf("session not saved after the response was sent: %v", err)
		return nil
	}
	return sessionError(t.c, err)
}

// fail drops the response of a transaction that failed with err. It calls Settle after
// that, because Settle looks for the cookie in the response.
func (t *transaction) fail(err error) error {
	t.response.drop()
	if !t.began {
		return unavailable(t.c, err)
	}
	settled := sessionError(t.c, t.settle(false))
	switch {
	case isSaveError(t.failed):
		return unavailable(t.c, errors.Join(t.failed, settled))
	case settled != nil:
		return errors.Join(err, settled)
	}
	return err
}

// isSaveError reports whether an error of a handler means that the session could not be
// saved and that another try may succeed. Buffalo's Render and Redirect return it with the
// status 500.
func isSaveError(err error) bool {
	var answer buffalo.HTTPError
	if errors.As(err, &answer) && answer.Status != http.StatusInternalServerError {
		return false
	}
	return errors.Is(err, sessionstore.ErrUnavailable) || errors.Is(err, sessionstore.ErrConflict) || errors.Is(err, sessionstore.ErrEnded)
}

// settle calls sessionstore.Settle, if there was a transaction.
func (t *transaction) settle(committed bool) error {
	if t.tx == nil {
		return nil
	}
	t.c.Set(contextkey.Buffalo, nil)
	err := sessionstore.Settle(t.c.Request(), t.c.Session().Session, committed)
	if isSuite(t.c, err) {
		return nil
	}
	return err
}

// send sends the response. If that fails, the client has disconnected, and the
// transaction stays committed.
func (t *transaction) send() {
	if err := t.response.release(); err != nil {
		t.c.Logger().Debugf("response not sent: %v", err)
	}
}

// abandon cleans up when the handler panics. Pop before 6.1 leaves the transaction open
// then, which blocks all other writes to SQLite.
func (t *transaction) abandon() {
	t.response.drop()
	if t.tx == nil {
		return
	}
	err := t.tx.TX.Rollback()
	if errors.Is(err, sql.ErrTxDone) {
		err = nil
	}
	if err = errors.Join(err, t.settle(false)); err != nil {
		t.c.Logger().Error(fmt.Errorf("clean up after a panic: %w", err))
	}
}
