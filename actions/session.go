package actions

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// sessionJSON is a session in the API. Times are in UTC (RFC 3339).
type sessionJSON struct {
	SID string `json:"sid"`
	device
	AuthMethod      string  `json:"auth_method"`
	CreatedAt       string  `json:"created_at"`
	AuthenticatedAt *string `json:"authenticated_at"` // null if the provider did not say
	LastSeenAt      string  `json:"last_seen_at"`
	ExpiresAt       string  `json:"expires_at"`
	IP              string  `json:"ip"`
	UserAgent       string  `json:"user_agent"`
	Label           string  `json:"label"`
	Remembered      bool    `json:"remembered"`
	Current         bool    `json:"current"`
}

func newSessionJSON(r sessionstore.Record, currentSID string) sessionJSON {
	return sessionJSON{
		SID:             r.SID,
		device:          deviceOf(r.UserAgent),
		AuthMethod:      r.AuthMethod,
		CreatedAt:       r.CreatedAt.Format(time.RFC3339),
		AuthenticatedAt: timeOrNull(r.AuthenticatedAt),
		LastSeenAt:      r.LastSeenAt.Format(time.RFC3339),
		ExpiresAt:       r.ExpiresAt.Format(time.RFC3339),
		IP:              r.IP,
		UserAgent:       r.UserAgent,
		Label:           r.Label,
		Remembered:      r.Remembered,
		Current:         r.SID == currentSID,
	}
}

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.Format(time.RFC3339)
	return &text
}

// currentRecord returns the record of the current session.
func (a *app) currentRecord(c buffalo.Context) (sessionstore.Record, error) {
	record, err := sessionstore.Describe(c.Request().Context(), c.Session().Session)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return record, errAnonymous // revoked during this request
	}
	return record, err
}

// showSession shows the current user and session.
func (a *app) showSession(c buffalo.Context) error {
	record, err := a.currentRecord(c)
	if err != nil {
		return err
	}
	session := newSessionJSON(record, record.SID)
	if web.PrefersHTML(c.Request()) {
		c.Set("session_record", session)
		return a.pages.show(c, "session.plush.html", "session.title")
	}
	return a.pages.json(c, http.StatusOK, struct {
		User    userJSON    `json:"user"`
		Session sessionJSON `json:"session"`
	}{newUserJSON(currentUser(c)), session})
}

// signOut revokes the current session. Clear-Site-Data leaves out cookies, because it
// would delete those of all apps on the same domain; the session's cookie is deleted
// by name.
func (a *app) signOut(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		if a.isBrowser(c) {
			return c.Redirect(http.StatusSeeOther, "/signin")
		}
		return errAnonymous
	}
	session := c.Session()
	sid := session.Session.ID
	record, err := sessionstore.Describe(c.Request().Context(), session.Session)
	if err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
		return err
	}
	if err := sessionstore.SignOut(session.Session); err != nil {
		return err
	}
	if err := session.Save(); err != nil {
		return err
	}
	event := about(user, models.SignedOut, "")
	event.SID = sid
	a.audit(c, event)
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	if !web.PrefersHTML(c.Request()) {
		return c.Render(http.StatusNoContent, nil)
	}
	to := "/signin?notice=signed-out"
	if a.signOutURL(record.AuthMethod) != "" {
		to += "&provider=" + record.AuthMethod
	}
	return c.Redirect(http.StatusSeeOther, "%s", to)
}

// alivePath is where open pages check their session.
const alivePath = "/session/alive"

// serveAlive answers 204 if the request has a live session, and 401 otherwise. Unlike
// the routes of Buffalo, it does not count as using the session. See
// docs/decisions/9.
func serveAlive(cfg config.Config, store *sessionstore.Store, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		alive, err := store.Alive(r, cfg.CookieName())
		switch {
		case err != nil:
			log.ErrorContext(r.Context(), "request failed", "status", unavailable.status, "error", err)
			w.Header().Set("Retry-After", statuses[unavailable.status].retryAfter)
			w.WriteHeader(unavailable.status)
		case alive:
			w.WriteHeader(http.StatusNoContent)
		default:
			if store.IsBearer(r) {
				w.Header().Set("WWW-Authenticate", tokenChallenge)
			}
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}
