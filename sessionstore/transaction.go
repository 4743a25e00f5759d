package sessionstore

import (
	"context"
	"errors"
	"net/http"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
)

type transactionKey struct{}

// withTransaction has the queries run in tx that get this context.
func withTransaction(ctx context.Context, tx querier) context.Context {
	return context.WithValue(ctx, transactionKey{}, tx)
}

func transactionOf(ctx context.Context) querier {
	tx, _ := ctx.Value(transactionKey{}).(querier)
	return tx
}

// InTransaction lets the sessions of r be saved in tx from now on: a
// transaction that the caller began around the request, as Buffalo's
// popmw.Transaction does. A store that asked for another connection would wait
// for ever where the pool has no other, or where SQLite lets one write. The
// caller ends the transaction and then calls [Settle].
//
// r is changed in place, for frameworks that keep it. It returns an error for a
// connection that is not in a transaction.
func InTransaction(r *http.Request, tx *pop.Connection) error {
	if tx == nil || tx.TX == nil {
		return errors.New("sessionstore: the connection is not in a transaction")
	}
	*r = *r.WithContext(withTransaction(r.Context(), tx.TX))
	return nil
}

// Settle is to be called when the transaction of [InTransaction] is over, and
// told whether it was committed. If not, what Save wrote went with it, while
// the browser may have got a cookie for it: a page that answers 422 would
// forget what it told the session. Settle writes that again, by itself. A
// sign-in is the exception: it shares the fate of its transaction, with which
// the user may be gone. Settle returns what Save returns.
func Settle(r *http.Request, session *sessions.Session, committed bool) error {
	*r = *r.WithContext(withTransaction(r.Context(), nil))
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if committed {
		b.unsure = nil
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

// rolledBack takes the session back to before the transaction, and returns what
// may be written once more.
func (b *bound) rolledBack() (again []func(context.Context) error) {
	u := b.unsure
	if u == nil {
		return nil
	}
	b.unsure = nil
	b.state = u.before
	if u.signsIn {
		return nil
	}
	return u.again
}
