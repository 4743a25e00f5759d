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
	// cleanupInterval is the time between two calls of deleteOld.
	cleanupInterval = 15 * time.Minute
	// eventRetention is how long events are kept.
	eventRetention = 365 * 24 * time.Hour
	// lastRecordTimeout limits the query that is made when the app stops.
	lastRecordTimeout = 5 * time.Second
)

// housekeeping deletes old rows, and records how many sessions expired.
type housekeeping struct {
	conn    *pop.Connection
	log     *slog.Logger
	expired atomic.Int64 // not recorded yet
}

// observe counts the sessions that the store deletes because they expired.
func (h *housekeeping) observe(_ context.Context, e sessionstore.Event) {
	if e.Op == "cleanup" {
		h.expired.Add(int64(e.Count))
	}
}

// run does its work at intervals until ctx is done.
func (h *housekeeping) run(ctx context.Context) {
	ticker := time.NewTicker(cleanupInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRecordTimeout)
			defer cancel()
			h.warn(h.recordExpired(last))
			return
		case <-ticker.C:
			h.warn(h.deleteOld(ctx))
		}
	}
}

func (h *housekeeping) warn(err error) {
	if err != nil {
		h.log.Warn("housekeeping failed; it will try again", "error", err)
	}
}

// deleteOld deletes used tokens of the replay guard and old events.
func (h *housekeeping) deleteOld(ctx context.Context) error {
	return errors.Join(
		models.NewReplayGuard(h.conn).DeleteExpired(ctx),
		models.DeleteEvents(h.conn.WithContext(ctx), time.Now().Add(-eventRetention)),
		h.recordExpired(ctx),
	)
}

// recordExpired records an event about the sessions that expired. If that fails, they
// are counted again next time.
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
