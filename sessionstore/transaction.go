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

// InTransaction makes the sessions of r be saved in tx, a transaction that the caller
// began around the request, as Buffalo's popmw.Transaction does. Another connection
// would wait forever where the pool has no other, or where SQLite allows one writer.
// The caller ends the transaction and then calls [Settle].
//
// It changes r in place, for frameworks that keep it. It returns an error for a
// connection that is not in a transaction.
func InTransaction(r *http.Request, tx *pop.Connection) error {
	if tx == nil || tx.TX == nil {
		return errors.New("sessionstore: the connection is not in a transaction")
	}
	*r = *r.WithContext(withTransaction(r.Context(), tx.TX))
	return nil
}

// Settle must be called when the transaction of [InTransaction] is over, and told
// whether it was committed. A rollback takes along what Save wrote, although the
// browser may already have a cookie for it. Settle then writes again what the request
// stored, by itself. A sign-in is not repeated, because the user may be gone with the
// transaction: the session from before it gets the sid and secret that the browser has.
// It returns the errors of Save.
func Settle(r *http.Request, session *sessions.Session, committed bool) error {
	*r = *r.WithContext(withTransaction(r.Context(), nil))
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if committed {
		b.unsure = nil
	}
	if b.out != nil && !cookieIsSet(b.out, session.Name()) {
		b.rolledBack() // the response with the cookie was dropped, too
		return nil
	}
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	for _, write := range b.rolledBack() {
		if err := write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// unsure is what was written in a transaction whose end is not known yet.
type unsure struct {
	tx      querier
	before  state // to go back to if it was rolled back
	signsIn bool
	again   []func(context.Context) error
}

// in runs write, and remembers it if a transaction may take it back.
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

// rolledBack takes the session back to before the transaction, and returns what is to
// be written again.
func (b *bound) rolledBack() (again []func(context.Context) error) {
	u, sent := b.unsure, b.row.token
	if u == nil {
		return nil
	}
	b.unsure, b.state = nil, u.before
	if !u.signsIn {
		return u.again
	}
	if !u.before.exists || sent == (token{}) {
		return nil
	}
	return []func(context.Context) error{func(ctx context.Context) error {
		return b.rewrite(ctx, func(next *row) { b.replaceToken(next, sent) }, b.rows.update)
	}}
}
