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
	// batchSize is how many sessions one statement touches or deletes: few enough
	// for requests to get through between two.
	batchSize = 100
	// lookAhead is for how many batches one query looks. PostgreSQL reads past
	// everything that was deleted before at every query.
	lookAhead = 50
)

// Cleanup deletes up to limit expired sessions, the longest expired first, and returns
// how many. It works in small batches and rests after each as long as it took, so that
// it takes at most half of the database's time. It never deletes a session that is
// alive by this program's clock, and is safe to run in several programs at once. It
// returns ErrUnavailable, or the error of ctx, with the number deleted so far.
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
			if err := rest(ctx, time.Since(began)); err != nil {
				return deleted, wrap("clean up sessions", err)
			}
		}
		if len(sids) < look {
			break
		}
	}
	return deleted, nil
}

// expired returns the sids of up to limit expired sessions, the longest expired first.
// It reports to the observer when there is nothing to do.
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

// cleanUpRegularly runs Cleanup about once in each cleanup interval. Instances that
// started together spread out.
func (s *Store) cleanUpRegularly(ctx context.Context) {
	for rest(ctx, s.opts.cleanupInterval/2+rand.N(s.opts.cleanupInterval)) == nil {
		if _, err := s.Cleanup(ctx, math.MaxInt); err != nil && ctx.Err() == nil {
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
