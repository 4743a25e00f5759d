package sessionmw

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
)

// Transaction saves sessions in the transaction that around begins for each
// request; around is popmw.Transaction(models.DB). Without it an app hangs when a
// request saves its session and the transaction has the last connection of the
// pool, or has written to SQLite.
//
// The response is held back until the transaction is over, so that no browser gets
// a cookie whose session is not committed. If the handler or the commit fails, the
// response is dropped, with its headers, and the error is returned. A page with a
// status of 400 or more is sent, although popmw rolls back for it; the session is
// then saved on its own, see [sessionstore.Settle]. When no transaction can be
// started, the error is a 503 with Retry-After.
//
// Flush and Hijack send what is held and everything after it directly, so streaming
// works. A handler that sends more than should be in memory calls Flush first.
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
	began     bool            // the handler was called
	tx        *pop.Connection // nil until then
	succeeded bool            // the handler wants it committed
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

// handler is next, in the transaction. Pop may call it more than once.
func (t *transaction) handler(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		t.response.reset()
		t.began, t.succeeded = true, false
		tx, ok := c.Value("tx").(*pop.Connection)
		if !ok {
			return errors.New(`sessionmw.Transaction: the context has no transaction under "tx": pass popmw.Transaction(models.DB) to it`)
		}
		if err := sessionstore.InTransaction(c.Request(), tx); err != nil {
			return err
		}
		t.tx = tx
		err := next(c)
		t.succeeded = err == nil && !rollsBack(c)
		return err
	}
}

// rollsBack reports whether popmw rolls back for the status of the response.
func rollsBack(c buffalo.Context) bool {
	response, ok := c.Response().(*buffalo.Response)
	return ok && (response.Status < http.StatusOK || response.Status >= http.StatusBadRequest)
}

// finish settles the session and the response after the transaction, which ended
// with err, and returns the error to answer.
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

// fail drops the response of a transaction that failed with err. Settle comes
// second: that the response has no cookie left tells it that none was sent.
func (t *transaction) fail(err error) error {
	t.response.drop()
	if !t.began {
		return unavailable(t.c, err)
	}
	return errors.Join(err, sessionError(t.c, t.settle(false)))
}

// settle is sessionstore.Settle.
func (t *transaction) settle(committed bool) error {
	if t.tx == nil {
		return nil
	}
	err := sessionstore.Settle(t.c.Request(), t.c.Session().Session, committed)
	if isSuite(t.c, err) {
		return nil
	}
	return err
}

// send sends the response. The client may be gone; what the request did stays.
func (t *transaction) send() {
	if err := t.response.release(); err != nil {
		t.c.Logger().Debugf("response not sent: %v", err)
	}
}

// abandon cleans up when the handler panics. Pop before 6.1 leaves the transaction
// open then, which blocks SQLite for everyone.
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
