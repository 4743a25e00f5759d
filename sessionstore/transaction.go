package sessionstore

import (
	"context"
	"errors"
	"net/http"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
)

type transactionKey struct{}

// withTransaction makes queries with this context run in tx.
func withTransaction(ctx context.Context, tx querier) context.Context {
	return context.WithValue(ctx, transactionKey{}, tx)
}

func transactionOf(ctx context.Context) querier {
	tx, _ := ctx.Value(transactionKey{}).(querier)
	return tx
}

// InTransaction makes the store use tx for the sessions of r. Use it if the program runs
// each request in a transaction, as Buffalo's popmw.Transaction does. Otherwise Save needs
// a second connection, and fails after 5 seconds if the pool has none left or the
// transaction has written to SQLite. Commit or roll back the transaction, and then call
// [Settle].
//
// It changes r in place, for frameworks that keep a pointer to it. It returns an error if
// tx is not in a transaction.
func InTransaction(r *http.Request, tx *pop.Connection) error {
	if tx == nil || tx.TX == nil {
		return errors.New("sessionstore: the connection is not in a transaction: pass one that Pop's Transaction or NewTransaction returned")
	}
	*r = *r.WithContext(withTransaction(r.Context(), tx.TX))
	return nil
}

// Settle finishes what [InTransaction] started. Call it after the transaction was committed
// or rolled back, before the response is sent if possible.
//
// A rollback also undoes what Save wrote, but the response may announce it with a cookie.
// So Settle writes it again, outside of the transaction. A sign-in is not repeated, because
// its user may have been created in the transaction: instead, the session from before the
// sign-in gets the sid and the secret of the new cookie. If Save set a cookie that the
// response no longer has, nothing is written.
//
// It returns the errors of [Store.Save].
func Settle(r *http.Request, session *sessions.Session, committed bool) error {
	*r = *r.WithContext(withTransaction(r.Context(), nil))
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if committed {
		b.unsure = nil
		return nil
	}
	again := b.rolledBack(r)
	if b.out != nil && !cookieIsSet(b.out, session.Name()) {
		again = nil // the response with the cookie was dropped, too
	}
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	for _, write := range again {
		if err := write(ctx); err != nil {
			return err
		}
	}
	session.ID = b.row.SID
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
	tx      querier
	before  state // to restore after a rollback
	signsIn bool
	again   []func(context.Context) error
}

// in runs write, and remembers it if a rollback could undo it.
func (b *bound) in(ctx context.Context, signsIn bool, write func(context.Context) error) error {
	if tx := transactionOf(ctx); tx != nil && b.unsure == nil {
		b.unsure = &unsure{tx: tx, before: b.state}
	}
	if err := write(ctx); err != nil {
		return err
	}
	if b.unsure != nil {
		b.unsure.again = append(b.unsure.again, write)
		b.unsure.signsIn = b.unsure.signsIn || signsIn
	}
	return nil
}

// rolledBack restores the state of the session from before the transaction, and returns
// the writes to repeat.
func (b *bound) rolledBack(r *http.Request) (again []func(context.Context) error) {
	u, sent := b.unsure, b.row.token
	if u == nil {
		return nil
	}
	b.unsure, b.state = nil, u.before
	switch {
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
