package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// tidyEvery is how often what is no longer needed is deleted.
	tidyEvery = 15 * time.Minute
	// eventsKeptFor is how long people can look back.
	eventsKeptFor = 365 * 24 * time.Hour
	// lastWords bounds what is written down at the end.
	lastWords = 5 * time.Second
)

// housekeeping deletes what is old, and writes down how many sessions ran out.
type housekeeping struct {
	conn    *pop.Connection
	log     *slog.Logger
	expired atomic.Int64 // since it was written down last
}

// observe counts the sessions that the store deletes because they ran out.
func (h *housekeeping) observe(_ context.Context, e sessionstore.Event) {
	if e.Op == "cleanup" {
		h.expired.Add(int64(e.Count))
	}
}

// run tidies up now and then, until ctx ends.
func (h *housekeeping) run(ctx context.Context) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			h.complain(h.recordExpired(last))
			return
		case <-ticker.C:
			h.complain(h.tidy(ctx))
		}
	}
}

func (h *housekeeping) complain(err error) {
	if err != nil {
		h.log.Warn("housekeeping did not do everything; it tries again later", "error", err)
	}
}

func (h *housekeeping) tidy(ctx context.Context) error {
	return errors.Join(
		models.NewSpent(h.conn).Forget(ctx),
		models.ForgetEvents(h.conn.WithContext(ctx), time.Now().Add(-eventsKeptFor)),
		h.recordExpired(ctx),
	)
}

// recordExpired writes down how many sessions ran out. What it cannot write it
// leaves for the next time.
func (h *housekeeping) recordExpired(ctx context.Context) error {
	n := h.expired.Swap(0)
	if n == 0 {
		return nil
	}
	err := models.RecordEvent(h.conn.WithContext(ctx), models.Event{Kind: models.SessionEnded, Detail: models.Expired, Sessions: n})
	if err != nil {
		h.expired.Add(n)
	}
	return err
}
