package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	_ "github.com/mattn/go-sqlite3"
)

// newQueueDatabase returns a SQLite database with a one-column table. The test
// holds its write lock until it calls release.
func newLine(t *testing.T) (d *database, release func()) {
	t.Helper()
	conn, err := pop.NewConnection(&pop.ConnectionDetails{
		URL: "sqlite3://" + filepath.Join(t.TempDir(), "words.sqlite") + "?_journal_mode=WAL&_txlock=immediate",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if d, err = newDatabase(conn); err != nil {
		t.Fatal(err)
	}
	if _, err := d.execOnce(t.Context(), "CREATE TABLE words (word TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	release, err = d.turn(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d, release
}

func (d *database) add(ctx context.Context, word string) error {
	n, err := d.exec(ctx, "INSERT INTO words VALUES (?)", word)
	if err == nil && n != 1 {
		return fmt.Errorf("%d rows", n)
	}
	return err
}

// wantWaiting waits until n changes are in the queue.
func (d *database) wantWaiting(t *testing.T, n int) {
	t.Helper()
	for range 1000 {
		d.waiting.mu.Lock()
		waiting := len(d.waiting.changes)
		d.waiting.mu.Unlock()
		if waiting == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("not %d changes in line", n)
}

func (d *database) wantWords(t *testing.T, want int) {
	t.Helper()
	var got int
	if err := d.one(t.Context(), "SELECT COUNT(*) FROM words", nil, []any{&got}); err != nil || got != want {
		t.Errorf("%d words, want %d; %v", got, want, err)
	}
}

// addAll adds the words while the write lock is held, and returns their errors
// after its release.
func addAll(t *testing.T, d *database, release func(), words ...string) []error {
	t.Helper()
	errs := make([]error, len(words))
	var adding sync.WaitGroup
	for i, word := range words {
		adding.Add(1)
		go func() {
			defer adding.Done()
			errs[i] = d.add(t.Context(), word)
		}()
	}
	d.wantWaiting(t, len(words))
	release()
	adding.Wait()
	return errs
}

func TestSQLite_InCompany(t *testing.T) {
	d, release := newLine(t)
	if err := errors.Join(addAll(t, d, release, "a", "b", "c", "d")...); err != nil {
		t.Error(err)
	}
	d.wantWords(t, 4)
	d.wantWaiting(t, 0)
}

// If two changes conflict, one of them fails and no other does.
func TestSQLite_OneFailsAlone(t *testing.T) {
	d, release := newLine(t)
	errs := addAll(t, d, release, "a", "same", "b", "same", "c")
	failed := 0
	for i, err := range errs {
		if err != nil {
			failed++
			if i != 1 && i != 3 {
				t.Errorf("word %d: %v", i, err)
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d failed, want one of the same two", failed)
	}
	d.wantWords(t, 4)
}

// A change that is canceled while it waits returns an error and is not written.
func TestSQLite_LeavesTheLine(t *testing.T) {
	d, release := newLine(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.add(ctx, "late"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("add: %v", err)
	}
	release()
	if err := d.add(t.Context(), "next"); err != nil {
		t.Error(err)
	}
	d.wantWords(t, 1)
}

// With many concurrent changes, some of them canceled, every acknowledged one is
// written.
func TestSQLite_CrowdInLine(t *testing.T) {
	d, release := newLine(t)
	release()
	var adding sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for i := range 200 {
		adding.Add(1)
		go func() {
			defer adding.Done()
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%5*20)*time.Millisecond)
			defer cancel()
			if d.add(ctx, fmt.Sprint(i)) == nil {
				mu.Lock()
				added++
				mu.Unlock()
			}
		}()
	}
	adding.Wait()
	if added == 0 {
		t.Error("nothing was added")
	}
	d.wantWords(t, added)
}
