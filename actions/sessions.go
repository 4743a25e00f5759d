package actions

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// pageLimit is how much of a list a page shows, unless the client asks for less
	// or more, up to maxPageLimit.
	pageLimit    = 50
	maxPageLimit = 100
)

// sessionsPage is a page of a list of sessions.
type sessionsPage struct {
	Sessions []sessionJSON `json:"sessions"`
	Next     *string       `json:"next"` // the cursor of the next page
}

// listSessions shows where somebody is signed in: here first, then the newest.
func (a *app) listSessions(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		return a.signInFirst(c)
	}
	here, err := a.record(c)
	if err != nil {
		return err
	}
	after, limit, err := pageOfList(c)
	if err != nil {
		return err
	}
	records, next, err := a.store.List(c.Request().Context(), sessionstore.Filter{UserID: user.ID.String()}, after, limit)
	if err != nil {
		return badCursor(err)
	}
	records = slices.DeleteFunc(records, func(r sessionstore.Record) bool { return r.SID == here.SID })
	if after == "" {
		records = append([]sessionstore.Record{here}, records...)
	}
	page := sessionsPage{Sessions: []sessionJSON{}, Next: orNone(next)}
	for _, r := range records {
		page.Sessions = append(page.Sessions, newSessionJSON(r, here.SID))
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(page))
	}
	c.Set("sessions", page.Sessions)
	c.Set("next", next)
	c.Set("first", after == "")
	return a.pages.show(c, "sessions.plush.html", "sessions.title")
}

// destroyOneSession ends a session of who asks. The present one he signs out of.
func (a *app) destroyOneSession(c buffalo.Context) error {
	sid := mux.Vars(c.Request())["sid"]
	if currentUser(c) != nil && sid == c.Session().Session.ID {
		return a.destroySession(c)
	}
	user, err := a.requireFresh(c, "act.end_one")
	if user == nil {
		return err
	}
	n, err := a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: user.ID.String(), SID: sid})
	if err != nil {
		return err
	}
	if n == 0 {
		return c.Error(http.StatusNotFound, sessionstore.ErrNotFound)
	}
	event := ended(user.ID.String(), models.EndedByUser, 1)
	event.SID = sid
	a.audit(c, event)
	return a.done(c, a.backTo(c.Request(), "/sessions"), "ended_one")
}

// destroySessions ends all sessions of the user but this one.
func (a *app) destroySessions(c buffalo.Context) error {
	user, err := a.requireFresh(c, "account.end_others")
	if user == nil {
		return err
	}
	n, err := a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: user.ID.String(), Except: c.Session().Session})
	if err != nil {
		return err
	}
	a.audit(c, ended(user.ID.String(), models.EndedByUser, n))
	if prefersHTML(c) {
		return a.done(c, "/sessions", "ended")
	}
	return c.Render(http.StatusOK, a.pages.json(endedJSON{n}))
}

// endedJSON says how many sessions ended.
type endedJSON struct {
	Ended int64 `json:"ended"`
}

// done answers when something was changed: people come to a page that says so.
func (a *app) done(c buffalo.Context, page, notice string) error {
	if prefersHTML(c) {
		mark := "?"
		if strings.Contains(page, mark) {
			mark = "&"
		}
		return c.Redirect(http.StatusSeeOther, "%s%snotice=%s", page, mark, notice)
	}
	return c.Render(http.StatusNoContent, nil)
}

// backTo is the list at path, as far down and with what was searched for where people
// come from it.
func (a *app) backTo(r *http.Request, path string) string {
	if page := a.pageOf(r); strings.HasPrefix(page, path+"?") {
		return page
	}
	return path
}

// signInFirst sends people to sign in, and back to the page that they asked for.
func (a *app) signInFirst(c buffalo.Context) error {
	if a.canSignIn(c) {
		return c.Redirect(http.StatusSeeOther, "%s", withReturn("/signin", here(c.Request())))
	}
	return errNobody
}

// pageOfList reads which page of a list is wanted.
func pageOfList(c buffalo.Context) (after string, limit int, err error) {
	limit = pageLimit
	if text := c.Param("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPageLimit {
			return "", 0, problem(http.StatusBadRequest, "error.limit", struct{ Max int }{maxPageLimit})
		}
	}
	return c.Param("after"), limit, nil
}

// badCursor ends the request with 400 where the cursor is to blame.
func badCursor(err error) error {
	if errors.Is(err, sessionstore.ErrValue) || errors.Is(err, models.ErrCursor) {
		return problem(http.StatusBadRequest, "error.cursor")
	}
	return unavailable(err)
}

// orNone is a cursor, or null where there is none.
func orNone(cursor string) *string {
	if cursor == "" {
		return nil
	}
	return &cursor
}
