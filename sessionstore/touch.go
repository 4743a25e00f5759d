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
	// flushInterval is how long a touch waits for others to be written with.
	flushInterval = 5 * time.Second
	// minFlushInterval keeps a very short IdleTimeout from writing all the time.
	minFlushInterval = 100 * time.Millisecond
	// flushTimeout bounds a flush.
	flushTimeout = 5 * time.Second
)

// touches are the sessions that were used and whose rows do not say so yet.
type touches struct {
	running atomic.Int32 // how many Runs write them
	mu      sync.Mutex
	pending map[string]time.Time // sid → when it was used last
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

// touch notes that a session is in use, if its row has not said so for an
// interval. Without a Run that would write it later, or when later is too late,
// it is written now.
func (b *bound) touch(ctx context.Context, r row) {
	now := b.now()
	if now.Sub(r.LastSeenAt) < b.opts.touchInterval {
		return
	}
	if b.touches.running.Load() > 0 && r.ExpiresAt.Sub(now) > 2*flushInterval {
		b.touches.add(r.SID, now)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	b.touchNow(ctx, []string{r.SID}, now)
}

// Run writes when sessions were last used, many at a time, and deletes expired sessions
// every 15 minutes or so, until ctx ends; then it writes what is left and returns. Start
// it once, in a goroutine, and wait for it before the program ends. Without Run the
// request that finds an old last_seen_at writes it, and only Cleanup deletes anything.
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

// flushInTime is flush for as long as flushTimeout: a database that hangs does
// not keep the next flush, or the end of the program, waiting.
func (s *Store) flushInTime(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	s.flush(ctx)
}

// flush writes the pending touches. If the database is away they are lost: sessions in
// use produce new ones.
func (s *Store) flush(ctx context.Context) {
	pending := s.touches.take()
	sids := slices.SortedFunc(maps.Keys(pending), func(a, b string) int {
		return pending[a].Compare(pending[b])
	})
	for batch := range slices.Chunk(sids, batchSize) {
		// The first use of a batch stands for all, so that no session lives longer
		// because it was written together with others.
		s.touchNow(ctx, batch, pending[batch[0]])
	}
}

// touchNow writes down that the sessions were in use at seen.
func (s *Store) touchNow(ctx context.Context, sids []string, seen time.Time) {
	began := time.Now()
	err := s.rows.touch(ctx, sids, seen, seen.Add(s.opts.IdleTimeout), s.now())
	if err != nil {
		s.opts.Logger.WarnContext(ctx, "last_seen_at of sessions not written", "sessions", len(sids), "error", err)
	}
	s.observe(ctx, began, Event{Op: opTouch, Count: len(sids), Err: err})
}
