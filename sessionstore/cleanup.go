package sessionstore

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// batchSize is how many sessions one statement touches or deletes. It is small,
	// so that requests do not wait long for one statement.
	batchSize = 100
	// lookAhead is for how many batches one query finds sessions. Each query of
	// PostgreSQL reads past all rows that were deleted before, so there are few.
	lookAhead = 50
)

// Cleanup deletes up to limit expired sessions, those that expired first, and returns the
// number of deleted rows. limit must be 1 or more; [math.MaxInt] means all. Cleanup deletes
// small batches, and pauses after each for as long as it took, so that requests are not
// slowed down. It never deletes a session that is live by this program's clock. [Store.Run]
// calls it regularly.
//
// It returns ErrUnavailable, ErrConflict or the error of ctx, together with the number of
// rows deleted so far, or an error for an invalid limit. It is safe for concurrent use,
// also by several programs.
func (s *Store) Cleanup(ctx context.Context, limit int) (deleted int, err error) {
	if limit < 1 {
		return 0, fmt.Errorf("clean up sessions: limit is %d, want 1 or more", limit)
	}
	for deleted < limit {
		look := min(limit-deleted, lookAhead*batchSize)
		sids, err := s.expired(ctx, look)
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
			if err := sleep(ctx, time.Since(began)); err != nil {
				return deleted, wrap("clean up sessions", err)
			}
		}
		if len(sids) < look {
			break
		}
	}
	return deleted, nil
}

// expired returns the sids of up to limit expired sessions, those that expired first. If
// there are none, it reports that to the observer.
func (s *Store) expired(ctx context.Context, limit int) ([]string, error) {
	began := time.Now()
	sids, err := s.rows.expired(ctx, s.now(), limit)
	if err != nil || len(sids) == 0 {
		s.observe(ctx, began, Event{Op: opCleanup, Err: err})
	}
	if err != nil {
		return nil, s.unavailable("clean up sessions", err)
	}
	return sids, nil
}

func (s *Store) deleteExpired(ctx context.Context, sids []string) (int, error) {
	began := time.Now()
	n, err := s.rows.deleteExpired(ctx, sids, s.now())
	s.observe(ctx, began, Event{Op: opCleanup, Count: int(n), Err: err})
	if err != nil {
		return 0, s.unavailable("clean up sessions", err)
	}
	return int(n), nil
}

// cleanUpRegularly runs Cleanup about once per cleanup interval, at random times: then
// instances that started together do not clean up together.
func (s *Store) cleanUpRegularly(ctx context.Context) {
	for sleep(ctx, s.opts.cleanupInterval/2+rand.N(s.opts.cleanupInterval)) == nil {
		if _, err := s.Cleanup(ctx, math.MaxInt); err != nil && ctx.Err() == nil {
			s.opts.Logger.WarnContext(ctx, "expired sessions not deleted", "error", err)
		}
	}
}

// sleep waits for d, or returns the error of ctx if that is done first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
