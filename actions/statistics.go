package actions

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// figuresAge is how old figures may be: to count a million sessions takes a
	// database longer than a page may.
	figuresAge = time.Minute
	// figuresHours is how far back they go.
	figuresHours = 24
	// figuresTimeout bounds the counting.
	figuresTimeout = 30 * time.Second
	// countedAnew is up to how many sessions are counted whenever somebody asks.
	countedAnew = 10_000
)

// figures are how the app is doing.
type figures struct {
	AsOf     string  `json:"as_of"`
	Sessions int     `json:"sessions"`
	Users    int     `json:"users"`
	Hours    []hours `json:"hours"`
}

// hours is what happened in one hour.
type hours struct {
	Hour     string         `json:"hour"` // when it began
	SignIns  map[string]int `json:"signins"`
	Failures int            `json:"failures"`
	Ends     map[string]int `json:"ends"`
}

// figuresCache counts again when somebody asks and the figures are old. It shows the
// old ones meanwhile, and waits only where there are none.
type figuresCache struct {
	db    *pop.Connection
	store *sessionstore.Store
	log   *slog.Logger

	mu       sync.Mutex
	last     *figures
	at       time.Time
	counting chan struct{} // closed when it is done; nil while nobody counts
	err      error
}

func (f *figuresCache) get(ctx context.Context) (figures, error) {
	f.mu.Lock()
	if f.last != nil && time.Since(f.at) < figuresAge {
		defer f.mu.Unlock()
		return *f.last, nil
	}
	if f.counting == nil {
		f.counting = make(chan struct{})
		go f.refresh(context.WithoutCancel(ctx))
	}
	last, counting := f.last, f.counting
	f.mu.Unlock()
	if last != nil {
		return *last, nil
	}
	select {
	case <-counting:
	case <-ctx.Done():
		return figures{}, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		return figures{}, f.err
	}
	return *f.last, nil
}

// alive counts the live sessions; where they are too many to be counted now, it is
// about as many as there were a minute ago.
func (f *figuresCache) alive(ctx context.Context) (n int, about bool, err error) {
	last, err := f.get(ctx)
	if err != nil {
		return 0, false, err
	}
	if last.Sessions > countedAnew {
		return last.Sessions, true, nil
	}
	exact, err := f.store.Count(ctx, sessionstore.Filter{AnyUser: true})
	return int(exact), false, err
}

func (f *figuresCache) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, figuresTimeout)
	defer cancel()
	now := time.Now().UTC()
	counted, err := f.count(ctx, now)
	if err != nil {
		f.log.ErrorContext(ctx, "the figures were not counted", "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err = err; err == nil {
		f.last, f.at = &counted, now
	}
	close(f.counting)
	f.counting = nil
}

func (f *figuresCache) count(ctx context.Context, now time.Time) (counted figures, err error) {
	db := f.db.WithContext(ctx)
	counted.AsOf = now.Format(time.RFC3339)
	alive, err := f.store.Count(ctx, sessionstore.Filter{AnyUser: true})
	if err != nil {
		return counted, err
	}
	counted.Sessions = int(alive)
	if counted.Users, err = models.CountUsers(db); err != nil {
		return counted, err
	}
	since := now.Truncate(time.Hour).Add(-(figuresHours - 1) * time.Hour)
	tallies, err := models.TallyEvents(db, since, models.SignInSucceeded, models.SignInFailed, models.SignedOut, models.SessionEnded)
	if err != nil {
		return counted, err
	}
	counted.Hours = hoursOf(since, tallies)
	return counted, nil
}

// hoursOf sorts tallies into the hours since a time, empty ones too.
func hoursOf(since time.Time, tallies []models.Tally) []hours {
	all := make([]hours, figuresHours)
	for i := range all {
		all[i] = hours{Hour: since.Add(time.Duration(i) * time.Hour).Format(time.RFC3339), SignIns: map[string]int{}, Ends: map[string]int{}}
	}
	for _, t := range tallies {
		name := strings.Replace(t.Hour, " ", "T", 1) + ":00:00Z"
		i := slices.IndexFunc(all, func(h hours) bool { return h.Hour == name })
		if i < 0 {
			continue
		}
		switch t.Kind {
		case models.SignInSucceeded:
			all[i].SignIns[t.Method] += t.N
		case models.SignInFailed:
			all[i].Failures += t.N
		case models.SignedOut:
			all[i].Ends[models.SignedOut] += t.N
		case models.SessionEnded:
			all[i].Ends[t.Detail] += t.Ended
		}
	}
	return all
}
