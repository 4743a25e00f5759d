package sessionstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// SQLite has one writer at a time, and a commit costs it as much as many
// statements. So the statements that wait for their turn are written by
// whoever's turn comes first, in one transaction.

// A change is a statement that waits.
type change struct {
	ctx  context.Context
	stmt *sql.Stmt
	args []any
	n    int64 // how many rows it changed
	err  error
	done chan struct{} // closed when n and err are there
}

func (c *change) exec(ctx context.Context, stmt *sql.Stmt) (err error) {
	c.n, err = affected(stmt.ExecContext(ctx, c.args...))
	return err
}

// A queue holds the changes that wait.
type queue struct {
	mu      sync.Mutex
	changes []*change
}

func (q *queue) add(c *change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changes = append(q.changes, c)
}

func (q *queue) take() []*change {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.changes
	q.changes = nil
	return taken
}

// remove reports whether c was still there.
func (q *queue) remove(c *change) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.changes, c)
	if i >= 0 {
		q.changes = slices.Delete(q.changes, i, i+1)
	}
	return i >= 0
}

// execInCompany runs a statement, and perhaps others that wait for the same.
func (d *database) execInCompany(ctx context.Context, stmt *sql.Stmt, args []any) (int64, error) {
	c := &change{ctx: ctx, stmt: stmt, args: args, done: make(chan struct{})}
	d.waiting.add(c)
	runtime.Gosched() // who is about to write comes along
	release, err := d.turn(ctx, c.done)
	if err != nil && d.waiting.remove(c) {
		return 0, err
	}
	if release != nil {
		d.lead(ctx, release)
	}
	<-c.done
	return c.n, c.err
}

// lead commits what waits and lets the next one lead, whatever happens.
func (d *database) lead(ctx context.Context, release func()) {
	defer release()
	changes := d.waiting.take()
	defer func() {
		for _, c := range changes {
			close(c.done)
		}
	}()
	for _, c := range changes {
		c.err = errUnwritten
	}
	d.commit(ctx, changes)
}

// errUnwritten is what followers get of a leader that panicked.
var errUnwritten = errors.New("not written")

// commit writes the changes, all at once if that can be. What fails in company
// may succeed alone, and must not fail the others; each waits as long as who
// asked for it. All those times run at once, so nobody waits for their sum.
func (d *database) commit(ctx context.Context, changes []*change) {
	if len(changes) > 1 && d.commitTogether(ctx, changes) == nil {
		return
	}
	for _, c := range changes {
		c.err = again(c.ctx, func() error { return c.exec(c.ctx, c.stmt) })
	}
}

// commitTogether waits with ctx for a connection and for other programs. Then
// nothing keeps it waiting, and to watch every statement costs more than it.
func (d *database) commitTogether(ctx context.Context, changes []*change) error {
	tx, err := d.pool.TransactionContext(ctx)
	if err != nil {
		return err
	}
	unwatched := context.WithoutCancel(ctx)
	for _, c := range changes {
		if err := c.exec(unwatched, tx.StmtContext(unwatched, c.stmt)); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, c := range changes {
		c.err = nil
	}
	return nil
}

// turn waits until nobody else in this program writes to SQLite: those who wait
// in line get there sooner than those who ask now and then, as SQLite does.
// release is nil when over came first. Pop's lock keeps its transactions from
// failing because of us; it may be held, by mistake, by who asks for it here.
func (d *database) turn(ctx context.Context, over <-chan struct{}) (release func(), err error) {
	select {
	case d.writing <- struct{}{}:
	case <-over:
		return nil, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other writers: %w", ctx.Err())
	}
	if !d.shared {
		return func() { <-d.writing }, nil
	}
	locked, unlock := make(chan struct{}), make(chan struct{})
	go func() {
		_ = d.dialect.Lock(func() error { // returns what the function does
			close(locked)
			<-unlock
			return nil
		})
	}()
	release = func() { close(unlock); <-d.writing }
	select {
	case <-locked:
		return release, nil
	case <-ctx.Done():
		release()
		return nil, fmt.Errorf("wait for other writers: %w", ctx.Err())
	}
}
