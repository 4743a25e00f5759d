package actions

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/internal/web"
)

// healthz answers 200 while the process works. If it does not answer, restart the
// process.
func (a *app) healthz(c buffalo.Context) error {
	return sayOK(c)
}

// readyz answers 200 if this instance can serve requests: its database answers and has
// all migrations.
func (a *app) readyz(c buffalo.Context) error {
	if err := a.ready.check(a.db.WithContext(c.Request().Context())); err != nil {
		a.log.WarnContext(c.Request().Context(), "not ready", "error", err)
		return unavailable
	}
	return sayOK(c)
}

// sayOK does not use Buffalo's Render, which would save the session.
func sayOK(c buffalo.Context) error {
	return web.WriteJSON(c.Response(), http.StatusOK, "application/json", map[string]string{"status": "ok"})
}

// readiness remembers that all migrations were applied, because that stays so.
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
