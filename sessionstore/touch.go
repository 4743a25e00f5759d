package sessionstore

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// flushInterval is how long a touch may wait to be written with others.
	flushInterval = 5 * time.Second
	// minFlushInterval keeps a very short IdleTimeout from writing all the time.
	minFlushInterval = 100 * time.Millisecond
	// flushTimeout limits a flush.
	flushTimeout = 5 * time.Second
)

// touches are the uses of sessions that are not written to their rows yet.
type touches struct {
	running atomic.Int32 // number of running Runs
	mu      sync.Mutex
	pending map[string]time.Time // sid → time of the last use
}

func (t *touches) add(sid string, seen time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending == nil {
		t.pending = make(map[string]time.Time)
	}
	t.pending[sid] = seen
}

func (t *touches) take() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.pending
	t.pending = nil
	return taken
}

// Run does the store's background work until ctx is canceled: it deletes expired sessions
// about every 15 minutes, and writes last_seen_at for many sessions at a time. When ctx is
// canceled, Run writes what is pending, for at most 5 seconds, and returns. Errors are
// logged.
//
// Start it in a goroutine, once per store, and wait for it to return before you close the
// connection. Every instance of a program may run it. Without Run, requests write
// last_seen_at themselves, and expired sessions are deleted by [Store.Cleanup] only.
func (s *Store) Run(ctx context.Context) {
	s.touches.running.Add(1)
	defer s.touches.running.Add(-1)
	var cleaning sync.WaitGroup
	cleaning.Add(1)
	go func() {
		defer cleaning.Done()
		s.cleanUpRegularly(ctx)
	}()
	defer cleaning.Wait()
	ticker := time.NewTicker(max(minFlushInterval, min(flushInterval, s.opts.touchInterval)))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.flushInTime(ctx)
		case <-ctx.Done():
			s.flushInTime(context.WithoutCancel(ctx))
			return
		}
	}
}

// flushInTime is flush, limited by flushTimeout: a database that hangs must not delay
// the next flush or the end of the program.
func (s *Store) flushInTime(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	s.flush(ctx)
}

// flush writes the pending touches. If the database is down they are lost; the next
// request of each session adds a new one.
func (s *Store) flush(ctx context.Context) {
	pending := s.touches.take()
	sids := slices.SortedFunc(maps.Keys(pending), func(a, b string) int {
		return pending[a].Compare(pending[b])
	})
	for batch := range slices.Chunk(sids, batchSize) {
		// All get the time of the batch's first use, so that no session lasts longer
		// because it was written together with others.
		s.touchNow(ctx, batch, pending[batch[0]])
	}
}

// touchNow writes that the sessions were in use at seen.
func (s *Store) touchNow(ctx context.Context, sids []string, seen time.Time) {
	began := time.Now()
	err := s.rows.touch(ctx, sids, seen, seen.Add(s.opts.IdleTimeout), s.now())
	if err != nil {
		s.opts.Logger.WarnContext(ctx, "last_seen_at of sessions not written", "sessions", len(sids), "error", err)
	}
	s.observe(ctx, began, Event{Op: opTouch, Count: len(sids), Err: err})
}
