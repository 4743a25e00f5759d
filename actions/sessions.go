package actions

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// sessionsJSON is one page of a list of sessions.
type sessionsJSON struct {
	Sessions []sessionJSON `json:"sessions"`
	Next     *string       `json:"next"` // the cursor of the next page
}

// revokedJSON says how many sessions were revoked.
type revokedJSON struct {
	Ended int64 `json:"ended"`
}

// sessionPage returns one page of the sessions that filter selects.
func (a *app) sessionPage(c buffalo.Context, filter sessionstore.Filter) (records []sessionstore.Record, page web.Page, next string, err error) {
	page, err = web.ParsePage(c.Request().URL.Query())
	if err != nil {
		return nil, page, "", err
	}
	records, next, err = a.store.List(c.Request().Context(), filter, page.After, page.Limit)
	return records, page, next, asCursorError(err)
}

// listSessions shows the current user's sessions: the current one first, then the
// newest.
func (a *app) listSessions(c buffalo.Context) error {
	current, err := a.currentRecord(c)
	if err != nil {
		return err
	}
	records, page, next, err := a.sessionPage(c, sessionstore.Filter{UserID: currentUser(c).ID.String()})
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(r sessionstore.Record) bool { return r.SID == current.SID })
	if page.After == "" {
		records = append([]sessionstore.Record{current}, records...)
	}
	list := sessionsJSON{Sessions: []sessionJSON{}, Next: web.Cursor(next)}
	for _, r := range records {
		list.Sessions = append(list.Sessions, newSessionJSON(r, current.SID))
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, list)
	}
	c.Set("sessions", list.Sessions)
	setPaging(c, page, next)
	return a.pages.show(c, "sessions.plush.html", "sessions.title")
}

// showOneSession shows one of the current user's sessions.
func (a *app) showOneSession(c buffalo.Context) error {
	filter := sessionstore.Filter{UserID: currentUser(c).ID.String(), SID: mux.Vars(c.Request())["sid"]}
	records, _, err := a.store.List(c.Request().Context(), filter, "", 1)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errNotOwn
	}
	session := newSessionJSON(records[0], c.Session().Session.ID)
	if web.PrefersHTML(c.Request()) {
		c.Set("session_record", session)
		return a.pages.show(c, "session.plush.html", "session.title")
	}
	return a.pages.json(c, http.StatusOK, session)
}

// signOutOfCurrent signs out if the path has the current session's sid, and calls
// next otherwise.
func (a *app) signOutOfCurrent(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if currentUser(c) != nil && mux.Vars(c.Request())["sid"] == c.Session().Session.ID {
			return a.signOut(c)
		}
		return next(c)
	}
}

// revokeSession revokes one of the current user's other sessions.
func (a *app) revokeSession(c buffalo.Context) error {
	userID, sid := currentUser(c).ID.String(), mux.Vars(c.Request())["sid"]
	n, err := a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: userID, SID: sid})
	if err != nil {
		return err
	}
	if n == 0 {
		return errNotOwn
	}
	event := models.NewSessionEvent(userID, models.RevokedByUser, 1)
	event.SID = sid
	a.audit(c, event)
	return a.changed(c, a.listPage(c.Request(), "/sessions"), noticeRevokedOne)
}

// revokeOtherSessions revokes all sessions of the current user but the current one.
func (a *app) revokeOtherSessions(c buffalo.Context) error {
	userID := currentUser(c).ID.String()
	n, err := a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: userID, Except: c.Session().Session})
	if err != nil {
		return err
	}
	a.audit(c, models.NewSessionEvent(userID, models.RevokedByUser, n))
	if web.PrefersHTML(c.Request()) {
		return a.changed(c, "/sessions", noticeRevokedOthers)
	}
	return a.pages.json(c, http.StatusOK, revokedJSON{n})
}

// asCursorError returns the store's error for an invalid cursor as ErrCursor.
func asCursorError(err error) error {
	if errors.Is(err, sessionstore.ErrValue) {
		return fmt.Errorf("%w: %w", models.ErrCursor, err)
	}
	return err
}

// setPaging sets what the links below a list need.
func setPaging(c buffalo.Context, page web.Page, next string) {
	c.Set("next", next)
	c.Set("first", page.After == "")
}
