package sessionstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// batchSize is how many sessions one statement touches or deletes: few enough
// for requests to get through between two.
const batchSize = 100

// Cleanup deletes up to limit expired sessions, the longest dead first, in one
// short statement, and returns how many. Fewer than limit, which must be 1 or more,
// means that this call found no more. It never deletes a live session and may
// run in several programs at once.
func (s *Store) Cleanup(ctx context.Context, limit int) (int, error) {
	if limit < 1 {
		return 0, fmt.Errorf("clean up sessions: limit is %d, want 1 or more", limit)
	}
	began := time.Now()
	n, err := s.rows.deleteExpired(ctx, s.now(), limit)
	s.observe(ctx, began, Event{Op: OpCleanup, Count: int(n), Err: err})
	if err != nil {
		return 0, unavailable("clean up sessions", err)
	}
	return int(n), nil
}

// CleanupAll deletes all expired sessions in batches, and returns how many. It
// rests after each batch for as long as that took, so that it takes half of the
// database at most. After each batch it calls progress, if that is not nil,
// with the number so far.
func (s *Store) CleanupAll(ctx context.Context, progress func(deleted int)) (int, error) {
	deleted := 0
	for {
		began := time.Now()
		n, err := s.Cleanup(ctx, batchSize)
		deleted += n
		if err != nil {
			return deleted, err
		}
		if progress != nil {
			progress(deleted)
		}
		if n < batchSize {
			return deleted, nil
		}
		if err := rest(ctx, time.Since(began)); err != nil {
			return deleted, fmt.Errorf("clean up sessions: %w", err)
		}
	}
}

// cleanUpRegularly runs CleanupAll about once in Options.CleanupInterval.
// Instances that started together do not go on together.
func (s *Store) cleanUpRegularly(ctx context.Context) {
	for rest(ctx, s.opts.CleanupInterval/2+rand.N(s.opts.CleanupInterval)) == nil {
		if _, err := s.CleanupAll(ctx, nil); err != nil && ctx.Err() == nil {
			s.opts.Logger.WarnContext(ctx, "expired sessions not deleted", "error", err)
		}
	}
}

// rest waits, or returns why ctx ended.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
