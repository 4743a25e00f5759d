package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// perBatch is the number of sessions that one statement deletes.
const perBatch = 100

// fill inserts rows that expire at the given time.
func (s *site) fill(t *testing.T, rows int, expires time.Time) {
	t.Helper()
	const columns = `sid, secret_hash, data, version, auth_method, ip, user_agent, created_at, last_seen_at, deadline_at, expires_at`
	made := s.countRows(t)
	var numbers []int
	for i := range rows {
		numbers = append(numbers, made+i)
	}
	for some := range slices.Chunk(numbers, 100) {
		var values []string
		var args []any
		for _, n := range some {
			values = append(values, "(?, '', '', 1, '', '', '', ?, ?, ?, ?)")
			args = append(args, fmt.Sprintf("filled %d", n), at(0), at(0), expires, expires)
		}
		s.execute(t, "INSERT INTO sessions ("+columns+") VALUES "+strings.Join(values, ", "), args...)
	}
}

// wantNoneExpired checks that exactly that many rows are left, none of them
// expired.
func (s *site) wantNoneDead(t *testing.T, want int) {
	t.Helper()
	s.wantExpired(t, 0)
	s.wantRows(t, want)
}

func TestStore_CleanupOfAll(t *testing.T) {
	const dead, live = 2*perBatch + 7, 5
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.fill(t, dead, at(time.Minute))
		s.fill(t, live, at(time.Minute+instant))
		s.clock.advance(time.Minute)
		if n, err := cleanUp(t.Context(), s.store); n != dead || err != nil {
			t.Errorf("deleted %d, %v", n, err)
		}
		s.wantNoneDead(t, live)
		if n, err := cleanUp(t.Context(), s.store); n != 0 || err != nil {
			t.Errorf("once more: deleted %d, %v", n, err)
		}
		s.wantNoneDead(t, live)
	})
}

// The last batch may be full.
func TestStore_CleanupOfBatchesOfFullBatches(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.fill(t, perBatch, at(0))
		if n, err := cleanUp(t.Context(), s.store); n != perBatch || err != nil {
			t.Errorf("deleted %d, %v", n, err)
		}
		s.wantNoneDead(t, 0)
	})
}

// If several programs clean up at once, each session is deleted and counted once.
func TestStore_CleanupOfBatchesAtOnce(t *testing.T) {
	const dead, live, programs = 4*perBatch + 7, 5, 4
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.fill(t, dead, at(0))
		s.fill(t, live, at(instant))
		var all group
		var deleted atomic.Int64
		for range programs {
			store := s.instance(t).store
			all.Go(func() {
				n, err := cleanUp(t.Context(), store)
				if err != nil {
					t.Error(err)
				}
				deleted.Add(int64(n))
			})
		}
		all.Wait()
		if deleted.Load() != dead {
			t.Errorf("deleted %d, want %d", deleted.Load(), dead)
		}
		s.wantNoneDead(t, live)
	})
}

// A canceled cleanup returns the number of sessions that it deleted.
func TestStore_CleanupOfBatchesCancelled(t *testing.T) {
	const dead = 2*perBatch + 7
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.fill(t, dead, at(0))
		ctx, cancel := context.WithCancel(t.Context())
		s = s.instance(t, func(o *sessionstore.Options) {
			o.Observe = func(context.Context, sessionstore.Event) { cancel() }
		})
		n, err := cleanUp(ctx, s.store)
		if n != perBatch || !errors.Is(err, context.Canceled) {
			t.Errorf("deleted %d, %v", n, err)
		}
		s.wantRows(t, dead-perBatch)
		if n, err := cleanUp(ctx, s.store); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: deleted %d, %v", n, err)
		}
		s.wantRows(t, dead-perBatch)
	})
}

// Run repeatedly deletes expired sessions, and nothing else.
func TestStore_RunCleansUp(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		deleted := make(chan int, 100)
		s = s.instance(t, func(o *sessionstore.Options) {
			o.SetCleanupInterval(2 * time.Millisecond)
			o.Observe = func(_ context.Context, e sessionstore.Event) {
				if e.Op == "cleanup" && e.Count > 0 {
					deleted <- e.Count
				}
			}
		})
		s.fill(t, 3, at(time.Minute))
		s.fill(t, 2, at(2*time.Minute))
		s.fill(t, 1, at(3*time.Minute))
		stop := s.run(t)
		for _, want := range []int{3, 2} {
			s.clock.advance(time.Minute)
			if n := <-deleted; n != want {
				t.Errorf("deleted %d, want %d", n, want)
			}
		}
		stop() // which waits for Run
		s.clock.advance(time.Minute)
		s.wantRows(t, 1)
		s.wantExpired(t, 1)
		if len(deleted) > 0 {
			t.Errorf("%d deleted after that", <-deleted)
		}
	})
}

// A session that is about to expire must be touched at once, because Run would be
// too late.
func TestStore_TouchedInTimeWhileRunRuns(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.run(t)
		for range 3 {
			before := s.row(t, ada.cookie(t))
			s.clock.advance(idle - 10*time.Second)
			s.queries.take()
			ada.read(t)
			s.queries.want(t, "a visit just in time", "SELECT UPDATE")
			row := s.row(t, ada.cookie(t))
			if row.LastSeenAt.Sub(before.LastSeenAt) != idle-10*time.Second || row.ExpiresAt.Sub(row.LastSeenAt) != idle {
				t.Errorf("last seen %v, expires %v", row.LastSeenAt, row.ExpiresAt)
			}
		}
		s.clock.advance(10 * time.Second)
		if user := ada.user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
	})
}

// The number of statements that wait for another transaction.
var countWaiting = map[testdb.Engine]string{
	testdb.PostgreSQL: `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
	testdb.MariaDB: `SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p
		ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'`,
}

// Cleanup must not delete an expired session that another server touches at the
// same time, because that server's clock is behind. On SQLite, nothing can happen
// between Cleanup's two statements.
func TestStore_CleanupSparesWhatIsUsed(t *testing.T) {
	for engine, waiting := range countWaiting {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testdb.NewURL(t, engine))
			s.fill(t, 2, at(0))
			tx, err := s.conn.NewTransaction()
			if err != nil {
				t.Fatal(err)
			}
			if err := tx.RawQuery("UPDATE sessions SET expires_at = ? WHERE sid = 'filled 0'", at(idle)).Exec(); err != nil {
				t.Fatal(err)
			}
			deleted := make(chan int, 1)
			go func() {
				n, err := s.store.Cleanup(t.Context(), 10)
				if err != nil {
					t.Error(err)
				}
				deleted <- n
			}()
			// If asked more often, MariaDB returns a cached result.
			for n := 0; n == 0 && len(deleted) == 0; time.Sleep(200 * time.Millisecond) {
				if err := s.conn.Store.Get(&n, waiting); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.TX.Commit(); err != nil {
				t.Fatal(err)
			}
			if n := <-deleted; n != 1 {
				t.Errorf("deleted %d, want the one that is dead", n)
			}
			s.wantNoneDead(t, 1)
		})
	}
}
