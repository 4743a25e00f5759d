package actions

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/internal/schema"
)

// healthz answers as long as the process does: restart it when it does not.
func (a *app) healthz(c buffalo.Context) error {
	return a.healthy(c)
}

// readyz answers whether this instance can serve: whether its database is
// there, with every migration applied.
func (a *app) readyz(c buffalo.Context) error {
	if err := a.ready.check(a.db.WithContext(c.Request().Context())); err != nil {
		a.log.WarnContext(c.Request().Context(), "not ready", "error", err)
		return unavailable(err)
	}
	return a.healthy(c)
}

// healthy answers past Buffalo's Render, which would save the session.
func (a *app) healthy(c buffalo.Context) error {
	return writeJSON(c.Response(), http.StatusOK, "application/json", map[string]string{"status": "ok"})
}

// readiness remembers that no migration was pending: none comes back.
type readiness struct {
	migrated atomic.Bool
}

func (r *readiness) check(db *pop.Connection) error {
	if err := db.RawQuery("SELECT 1").Exec(); err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	if r.migrated.Load() {
		return nil
	}
	pending, err := schema.Pending(db)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("migrations pending: %s", strings.Join(pending, ", "))
	}
	r.migrated.Store(true)
	return nil
}
