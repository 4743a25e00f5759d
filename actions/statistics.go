package actions

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"
	"golang.org/x/sync/singleflight"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// statisticsAge is how old statistics may be. Counting a million sessions takes
	// too long for a page.
	statisticsAge = time.Minute
	// statisticsHours is how many hours they cover.
	statisticsHours = 24
	// statisticsTimeout bounds the counting.
	statisticsTimeout = 30 * time.Second
	// maxExactCount is how many sessions are counted exactly on each request.
	maxExactCount = 10_000
)

// statistics is what the dashboard shows.
type statistics struct {
	AsOf     string      `json:"as_of"`
	Sessions int         `json:"sessions"`
	Users    int         `json:"users"`
	Hours    []hourStats `json:"hours"`
}

// hourStats is what happened in one hour.
type hourStats struct {
	Hour     string         `json:"hour"` // when it started
	SignIns  map[string]int `json:"signins"`
	Failures int            `json:"failures"`
	Ends     map[string]int `json:"ends"`
}

// statisticsCache computes new statistics when a request finds old ones. That request
// gets the old ones; only the first of all has to wait. It is safe for concurrent
// use.
type statisticsCache struct {
	db    *pop.Connection
	store *sessionstore.Store
	log   *slog.Logger

	group singleflight.Group
	mu    sync.Mutex
	last  *statistics
	at    time.Time
}

func (s *statisticsCache) get(ctx context.Context) (statistics, error) {
	last, isFresh := s.cached()
	if isFresh {
		return *last, nil
	}
	computing := s.group.DoChan("", func() (any, error) { return s.refresh(context.WithoutCancel(ctx)) })
	if last != nil {
		return *last, nil
	}
	select {
	case result := <-computing:
		computed, _ := result.Val.(statistics)
		return computed, result.Err
	case <-ctx.Done():
		return statistics{}, ctx.Err()
	}
}

func (s *statisticsCache) cached() (last *statistics, isFresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.last != nil && time.Since(s.at) < statisticsAge
}

// sessions counts the live sessions. If there are many, it returns an estimate, which
// is up to a minute old.
func (s *statisticsCache) sessions(ctx context.Context) (n int, isEstimate bool, err error) {
	last, err := s.get(ctx)
	if err != nil {
		return 0, false, err
	}
	if last.Sessions > maxExactCount {
		return last.Sessions, true, nil
	}
	exact, err := s.store.Count(ctx, sessionstore.Filter{AnyUser: true})
	return int(exact), false, err
}

func (s *statisticsCache) refresh(ctx context.Context) (statistics, error) {
	ctx, cancel := context.WithTimeout(ctx, statisticsTimeout)
	defer cancel()
	now := time.Now().UTC()
	computed, err := s.compute(ctx, now)
	if err != nil {
		s.log.ErrorContext(ctx, "cannot compute statistics", "error", err)
		return statistics{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.at = &computed, now
	return computed, nil
}

func (s *statisticsCache) compute(ctx context.Context, now time.Time) (computed statistics, err error) {
	db := s.db.WithContext(ctx)
	computed.AsOf = now.Format(time.RFC3339)
	live, err := s.store.Count(ctx, sessionstore.Filter{AnyUser: true})
	if err != nil {
		return computed, err
	}
	computed.Sessions = int(live)
	if computed.Users, err = models.CountUsers(db); err != nil {
		return computed, err
	}
	since := now.Truncate(time.Hour).Add(-(statisticsHours - 1) * time.Hour)
	counts, err := models.CountEvents(db, since, models.SignInSucceeded, models.SignInFailed, models.SignedOut, models.SessionEnded)
	if err != nil {
		return computed, err
	}
	computed.Hours = hoursOf(since, counts)
	return computed, nil
}

// hoursOf sorts counts into the hours since a time. Hours without events are
// included.
func hoursOf(since time.Time, counts []models.EventCount) []hourStats {
	all := make([]hourStats, statisticsHours)
	for i := range all {
		all[i] = hourStats{Hour: since.Add(time.Duration(i) * time.Hour).Format(time.RFC3339), SignIns: map[string]int{}, Ends: map[string]int{}}
	}
	for _, count := range counts {
		hour := strings.Replace(count.Hour, " ", "T", 1) + ":00:00Z"
		i := slices.IndexFunc(all, func(h hourStats) bool { return h.Hour == hour })
		if i < 0 {
			continue
		}
		switch count.Kind {
		case models.SignInSucceeded:
			all[i].SignIns[count.Method] += count.Events
		case models.SignInFailed:
			all[i].Failures += count.Events
		case models.SignedOut:
			all[i].Ends[models.SignedOut] += count.Events
		case models.SessionEnded:
			all[i].Ends[count.Detail] += count.Sessions
		}
	}
	return all
}
