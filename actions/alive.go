package actions

import (
	"log/slog"
	"net/http"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/sessionstore"
)

// alivePath is where an open page asks whether its session is alive.
const alivePath = "/session/alive"

// serveAlive tells an open page whether its session is alive: 204, or 401. It stands
// before Buffalo, which takes every request for a use of the session. See
// docs/decisions/9.
func serveAlive(cfg config.Config, store *sessionstore.Store, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		alive, err := store.Alive(r, cfg.CookieName())
		switch {
		case err != nil:
			log.ErrorContext(r.Context(), "request failed", "status", http.StatusServiceUnavailable, "error", err)
			w.Header().Set("Retry-After", retryAfter)
			w.WriteHeader(http.StatusServiceUnavailable)
		case alive:
			w.WriteHeader(http.StatusNoContent)
		default:
			challenge(store, w, r)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}
