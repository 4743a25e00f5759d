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

// SQLite allows one writer at a time, and a commit costs as much as many statements. So
// the goroutine whose turn it is runs all waiting statements in one transaction.

// A change is a waiting statement.
type change struct {
	ctx  context.Context
	stmt *sql.Stmt
	args []any
	n    int64 // the number of changed rows
	err  error
	done chan struct{} // closed when n and err are set
}

func (c *change) exec(ctx context.Context, stmt *sql.Stmt) (err error) {
	c.n, err = affected(stmt.ExecContext(ctx, c.args...))
	return err
}

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

// remove reports whether c was in the queue.
func (q *queue) remove(c *change) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.changes, c)
	if i >= 0 {
		q.changes = slices.Delete(q.changes, i, i+1)
	}
	return i >= 0
}

// execTogether runs a statement, together with the others that wait.
func (d *database) execTogether(ctx context.Context, stmt *sql.Stmt, args []any) (int64, error) {
	c := &change{ctx: ctx, stmt: stmt, args: args, done: make(chan struct{})}
	d.waiting.add(c)
	runtime.Gosched() // let other goroutines enqueue their writes first
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

// lead commits all waiting changes, then lets the next goroutine lead, even if it panics.
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

// errUnwritten is the error of changes whose leader panicked.
var errUnwritten = errors.New("not written")

// commit runs the changes in one transaction if possible. If one of them fails, each runs
// on its own, with its own context, so that the others do not fail as well.
func (d *database) commit(ctx context.Context, changes []*change) {
	if len(changes) > 1 && d.commitTogether(ctx, changes) == nil {
		return
	}
	for _, c := range changes {
		c.err = d.retry(c.ctx, func() error { return c.exec(c.ctx, c.stmt) })
	}
}

// commitTogether runs the changes in one transaction. ctx limits how long it waits for a
// connection and for other programs. After that nothing can block, and watching ctx
// would cost more than the statements.
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

// turn waits until no other goroutine of this program writes to SQLite. That is faster
// than SQLite's own waiting, which polls. release is nil if over was closed first. turn
// also takes Pop's lock, so that Pop's transactions do not fail because of the store. A
// caller may hold that lock by mistake, so it waits for it only until ctx is done.
func (d *database) turn(ctx context.Context, over <-chan struct{}) (release func(), err error) {
	select {
	case d.writing <- struct{}{}:
	case <-over:
		return nil, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other writers: %w", ctx.Err())
	}
	if !d.popLock {
		return func() { <-d.writing }, nil
	}
	locked, unlock := make(chan struct{}), make(chan struct{})
	go func() {
		_ = d.pop.Lock(func() error { // returns what the function does
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
