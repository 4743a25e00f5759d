package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/contextkey"
)

// A transaction is what [InTransaction] puts into the context of a request.
type transaction struct {
	querier
	database databaseID
	saved    []*bound // the sessions that were written in it
	lost     error    // why the database has already rolled it back
}

// note keeps the error of a query if the database has rolled back the transaction for it.
// After a deadlock, MySQL and MariaDB would run the next query without a transaction, and
// accept COMMIT.
func (tx *transaction) note(d *database, err error) error {
	if d.isRetryable(err) && !d.oneWriter {
		tx.lost = err
	}
	return err
}

// lostError returns ErrConflict if the transaction is lost, also because of a query whose
// error was only logged.
func (tx *transaction) lostError() error {
	if tx == nil || tx.lost == nil {
		return nil
	}
	return fmt.Errorf("the transaction was rolled back by the database: %w: %w", ErrConflict, tx.lost)
}

// InTransaction makes the store use tx for the sessions of r. Use it if the program runs
// each request in a transaction, as Buffalo's popmw.Transaction does. Otherwise Save needs
// a second connection, and fails after 5 seconds if the pool has none left or the
// transaction has written to SQLite. Commit or roll back the transaction, and then call
// [Settle].
//
// It changes r in place, for frameworks that keep a pointer to it. Pass r.Context() to the
// methods of [Store] that take a context: with another context they may wait for the
// transaction, which waits for them. If the store uses another database than tx, its
// queries do not run in tx. InTransaction returns an error if tx is not in a transaction.
func InTransaction(r *http.Request, tx *pop.Connection) error {
	if tx == nil || tx.TX == nil {
		return errors.New("sessionstore: the connection is not in a transaction: pass one that Pop's Transaction or NewTransaction returned")
	}
	next := &transaction{querier: tx.TX, database: idOf(tx.Dialect)}
	if previous := transactionOf(r.Context()); previous != nil { // Pop runs a handler again when SQLite was locked
		next.saved = previous.saved
	}
	*r = *r.WithContext(withTransaction(r.Context(), next))
	return nil
}

// Settle finishes what [InTransaction] started, for session and for all other sessions of
// the request that were saved in the transaction. Call it after the transaction was
// committed or rolled back, before the response is sent if possible.
//
// A rollback also undoes what Save wrote, but the response may announce it with a cookie.
// So Settle writes it again, outside of the transaction. A sign-in is not repeated, because
// its user may have been created in the transaction: instead, the session from before the
// sign-in gets the sid and the secret of the new cookie. If there was none, Settle removes
// the cookie from the response. If Save set a cookie that the response no longer has, only a
// sign-out is repeated.
//
// It returns the errors of [Store.Save], and ErrConflict if the database has rolled back the
// transaction although it was committed. Then drop the response.
func Settle(r *http.Request, session *sessions.Session, committed bool) error {
	tx := transactionOf(r.Context())
	*r = *r.WithContext(withTransaction(r.Context(), nil))
	if lost := tx.lostError(); committed && lost != nil {
		return errors.Join(lost, settleAll(r, session, tx, false, true))
	}
	return settleAll(r, session, tx, committed, false)
}

// settleAll is Settle for all sessions of the request. dropped means that the response is
// not sent.
func settleAll(r *http.Request, session *sessions.Session, tx *transaction, committed, dropped bool) error {
	b, err := boundOf(session)
	if err == nil {
		err = b.settle(r, tx, committed, dropped)
	}
	if tx == nil {
		return err
	}
	for _, other := range tx.saved {
		if other != b {
			err = errors.Join(err, other.settle(r, tx, committed, dropped))
		}
	}
	return err
}

// settle is settleAll for one session.
func (b *bound) settle(r *http.Request, tx *transaction, committed, dropped bool) error {
	if committed && (b.unsure == nil || b.unsure.tx == tx) {
		b.unsure = nil
		return nil
	}
	sent := b.row.token
	dropped = dropped || b.out != nil && !cookieIsSet(b.out, b.session.Name())
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	for _, write := range b.rolledBack(r, dropped) {
		if err := write(ctx); err != nil {
			return err
		}
	}
	if b.out != nil && sent != (token{}) && sent != b.row.token {
		removeCookie(b.out, b.session.Name()) // another request has adopted or renewed the session meanwhile
	}
	b.session.ID = b.row.SID
	return b.undoSignIn()
}

// undoSignIn removes a sign-in that was rolled back from Values. Otherwise an error page
// that saves the session again would sign the user in after all.
func (b *bound) undoSignIn() error {
	user, err := b.userOf(b.session)
	if err != nil || user == "" || !b.begins(user) {
		return nil // Save reports the error
	}
	b.intent = intent{}
	clear(b.session.Values)
	_, err = b.known.DecodeInto(b.session.Values)
	return err
}

// unsure is what was written in a transaction that is not committed yet.
type unsure struct {
	tx       *transaction
	before   state // to restore after a rollback
	signsIn  bool
	again    []func(context.Context) error // all writes
	signOuts []func(context.Context) error // those that revoke the session
}

// in runs write, and remembers it if a rollback could undo it.
func (b *bound) in(ctx context.Context, signsIn bool, write func(context.Context) error) error {
	if tx := b.rows.db.transactionOf(ctx); tx != nil && b.unsure == nil {
		b.unsure = &unsure{tx: tx, before: b.state}
		tx.saved = append(tx.saved, b)
	}
	if err := write(ctx); err != nil {
		return err
	}
	if err := transactionOf(ctx).lostError(); err != nil {
		return err
	}
	if b.unsure != nil {
		b.unsure.again = append(b.unsure.again, write)
		b.unsure.signsIn = b.unsure.signsIn || signsIn
	}
	return nil
}

// rolledBack restores the state of the session from before the transaction, and returns
// the writes to repeat. dropped means that the browser did not get the session's cookie.
func (b *bound) rolledBack(r *http.Request, dropped bool) (again []func(context.Context) error) {
	u, sent := b.unsure, b.row.token
	if u == nil {
		return nil
	}
	b.unsure, b.state = nil, u.before
	switch {
	case dropped, u.signsIn && len(u.signOuts) > 0:
		return u.signOuts
	case !u.signsIn:
		return u.again
	case sent == (token{}):
		return nil
	case b.exists:
		return []func(context.Context) error{func(ctx context.Context) error {
			return b.rewrite(ctx, func(next *row) { b.replaceToken(next, sent) }, b.rows.update)
		}}
	case b.adopted != (token{}):
		return []func(context.Context) error{func(ctx context.Context) error {
			b.intent = intent{}
			next := row{full: true, entries: b.known, version: 1}
			b.begin(r, &next, b.row.UserID, sent)
			b.refresh(&next)
			_, err := b.insertRow(ctx, next, next.SID)
			return err
		}}
	}
	return nil
}

// withTransaction makes queries with this context run in tx, or in none if that is nil.
func withTransaction(ctx context.Context, tx *transaction) context.Context {
	return context.WithValue(ctx, contextkey.Transaction{}, tx)
}
