package sessionstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// batchSize is how many sessions one statement touches or deletes: few enough
	// for requests to get through between two.
	batchSize = 100
	// lookAhead is for how many batches CleanupAll looks at once. PostgreSQL leads
	// every look past all that was deleted before.
	lookAhead = 50
)

// Cleanup deletes up to limit expired sessions, the longest dead first, in short
// statements, and returns how many. limit must be 1 or more. Fewer than that means
// that there are no more, or that another program was faster. It never deletes a
// session that is alive by this program's clock, and may run in several programs
// at once.
func (s *Store) Cleanup(ctx context.Context, limit int) (int, error) {
	if limit < 1 {
		return 0, fmt.Errorf("clean up sessions: limit is %d, want 1 or more", limit)
	}
	sids, err := s.expired(ctx, limit)
	deleted := 0
	for batch := range slices.Chunk(sids, batchSize) {
		n, deleteErr := s.deleteExpired(ctx, batch)
		if deleteErr != nil {
			return deleted, deleteErr
		}
		deleted += n
	}
	return deleted, err
}

// expired returns the sids of up to limit expired sessions, the longest dead
// first. It tells the observer when there is nothing more to do.
func (s *Store) expired(ctx context.Context, limit int) ([]string, error) {
	began := time.Now()
	sids, err := s.rows.expired(ctx, s.now(), limit)
	if err != nil || len(sids) == 0 {
		s.observe(ctx, began, Event{Op: OpCleanup, Err: err})
	}
	if err != nil {
		return nil, unavailable("clean up sessions", err)
	}
	return sids, nil
}

func (s *Store) deleteExpired(ctx context.Context, sids []string) (int, error) {
	began := time.Now()
	n, err := s.rows.deleteExpired(ctx, sids, s.now())
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
	if progress == nil {
		progress = func(int) {}
	}
	deleted := 0
	for {
		sids, err := s.expired(ctx, lookAhead*batchSize)
		if err != nil {
			return deleted, err
		}
		for batch := range slices.Chunk(sids, batchSize) {
			began := time.Now()
			n, err := s.deleteExpired(ctx, batch)
			if err != nil {
				return deleted, err
			}
			deleted += n
			progress(deleted)
			if err := rest(ctx, time.Since(began)); err != nil {
				return deleted, fmt.Errorf("clean up sessions: %w", err)
			}
		}
		if len(sids) < lookAhead*batchSize {
			return deleted, nil
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
