package actions

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/nulls"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// forAdmins lets administrators through. For others there is nothing here (ASVS 5.0
// 8.2.1, 8.3.1).
func (a *app) forAdmins(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		switch user := currentUser(c); {
		case user == nil && c.Request().Method == http.MethodGet:
			return a.signInFirst(c)
		case user == nil:
			return errNobody
		case user.Role != models.RoleAdmin:
			return c.Error(http.StatusNotFound, errors.New("who asks is no administrator"))
		}
		return next(c)
	}
}

// showAdmin shows how the app is doing.
func (a *app) showAdmin(c buffalo.Context) error {
	figures, err := a.figures.get(c.Request().Context())
	if err != nil {
		return unavailable(err)
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(figures))
	}
	c.Set("figures", figures)
	c.Set("charts", a.chartsOf(c, figures))
	return a.pages.show(c, "admin.plush.html", "admin.title")
}

// foundSession is somebody's session as administrators see one.
type foundSession struct {
	sessionJSON
	UserID   *string `json:"user_id"`
	Username *string `json:"username"`
}

// searchSessions finds everybody's sessions.
func (a *app) searchSessions(c buffalo.Context) error {
	filter, err := a.filterOf(c)
	if err != nil {
		return err
	}
	after, limit, err := pageOfList(c)
	if err != nil {
		return err
	}
	records, next, err := a.store.List(c.Request().Context(), filter, after, limit)
	if err != nil {
		return badCursor(err)
	}
	found, err := a.withUsernames(c, records)
	if err != nil {
		return err
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(struct {
			Sessions []foundSession `json:"sessions"`
			Next     *string        `json:"next"`
		}{found, orNone(next)}))
	}
	query := url.Values{}
	for _, field := range []string{"user", "ip", "method", "state"} {
		c.Set(field, c.Param(field))
		if value := c.Param(field); value != "" {
			query.Set(field, value)
		}
	}
	c.Set("method", filter.AuthMethod)
	c.Set("methods", a.methodsWith(filter.AuthMethod))
	// The button that ends everybody's sessions would seem to mean those that were found.
	c.Set("unsearched", len(query) == 0)
	if filter.UserID == nobodysID {
		filter.UserID = "" // whose there are none to end
	}
	c.Set("user_id", filter.UserID)
	c.Set("sessions", found)
	c.Set("next", next)
	query.Set("after", next)
	c.Set("next_page", "/admin/sessions?"+query.Encode())
	return a.pages.show(c, "admin_sessions.plush.html", "admin.sessions")
}

// methodsWith lists the ways in that sessions may have begun by: those that there are,
// and the one that is looked for, which may be off by now.
func (a *app) methodsWith(searched string) []string {
	methods := []string{bypassMethod, tokenMethod}
	for _, p := range a.flow.Providers {
		methods = append(methods, p.Name)
	}
	if searched != "" && !slices.Contains(methods, searched) {
		methods = append(methods, searched)
	}
	return methods
}

// nobodysID is the id of no user: it finds nothing.
const nobodysID = "nobody"

// filterOf reads which sessions an administrator looks for. user is a username or a
// user's id.
func (a *app) filterOf(c buffalo.Context) (filter sessionstore.Filter, err error) {
	filter.IP, filter.AuthMethod = strings.TrimSpace(c.Param("ip")), strings.TrimSpace(c.Param("method"))
	if addr, err := netip.ParseAddr(filter.IP); err == nil {
		filter.IP = addr.Unmap().String() // as clientIP writes it
	}
	signedIn := c.Param("state") == "signed-in"
	switch c.Param("state") {
	case "":
	case "signed-in", "anonymous":
		filter.SignedIn = &signedIn
	default:
		return filter, problem(http.StatusBadRequest, "error.state")
	}
	if name := strings.TrimSpace(c.Param("user")); name != "" {
		filter.UserID, err = a.idOf(c, name)
	}
	filter.AnyUser = filter.UserID == ""
	return filter, err
}

// idOf finds a user by id or name. A name may look like somebody's id, who is meant
// then.
func (a *app) idOf(c buffalo.Context, name string) (string, error) {
	db := a.db.WithContext(c.Request().Context())
	user, err := models.GetUser(db, name)
	if errors.Is(err, models.ErrNotFound) {
		user, err = models.LookUpUser(db, name)
	}
	if errors.Is(err, models.ErrNotFound) {
		return nobodysID, nil
	}
	if err != nil {
		return "", unavailable(err)
	}
	return user.ID.String(), nil
}

// withUsernames says of sessions whose they are.
func (a *app) withUsernames(c buffalo.Context, records []sessionstore.Record) ([]foundSession, error) {
	var ids []string
	for _, r := range records {
		ids = append(ids, r.UserID)
	}
	names, err := models.UsernamesOf(a.db.WithContext(c.Request().Context()), ids)
	if err != nil {
		return nil, unavailable(err)
	}
	found := []foundSession{}
	for _, r := range records {
		f := foundSession{sessionJSON: newSessionJSON(r, c.Session().Session.ID), UserID: orNone(r.UserID)}
		f.Username = orNone(names[r.UserID])
		found = append(found, f)
	}
	return found, nil
}

// destroyFoundSession ends anybody's session.
func (a *app) destroyFoundSession(c buffalo.Context) error {
	admin, err := a.requireFresh(c, "act.end_one")
	if admin == nil {
		return err
	}
	sid := mux.Vars(c.Request())["sid"]
	filter := sessionstore.Filter{AnyUser: true, SID: sid}
	found, _, err := a.store.List(c.Request().Context(), filter, "", 1)
	if err != nil {
		return err
	}
	n, err := a.store.Revoke(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	if n == 0 || len(found) == 0 {
		return c.Error(http.StatusNotFound, sessionstore.ErrNotFound)
	}
	record := found[0]
	event := by(admin, ended(record.UserID, models.EndedByAdmin, 1))
	event.SID = sid
	a.audit(c, event)
	return a.done(c, a.backTo(c.Request(), "/admin/sessions"), "ended_one")
}

// confirmEnd names how many sessions would end, of a user or of everybody.
func (a *app) confirmEnd(c buffalo.Context) error {
	userID, all, err := whose(c)
	if err != nil {
		return err
	}
	n, about, username := 0, false, ""
	if all {
		if n, about, err = a.figures.alive(c.Request().Context()); err != nil {
			return unavailable(err)
		}
	} else if n, username, err = a.countOf(c, userID); err != nil {
		return err
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(map[string]int{"count": n}))
	}
	shown := a.pages.number(c, n)
	if about {
		shown = a.pages.texts.Translate(c, "about", map[string]string{"Number": shown})
	}
	c.Set("username", username)
	c.Set("user_id", userID)
	c.Set("count", n)
	c.Set("shown", shown)
	return a.pages.show(c, "admin_end.plush.html", "admin.end_title")
}

// countOf counts a user's live sessions.
func (a *app) countOf(c buffalo.Context, userID string) (n int, username string, err error) {
	user, err := models.GetUser(a.db.WithContext(c.Request().Context()), userID)
	if err != nil {
		return 0, "", notFound(c, err)
	}
	alive, err := a.store.Count(c.Request().Context(), sessionstore.Filter{UserID: userID})
	return int(alive), user.Username, err
}

// destroyFoundSessions ends the sessions of a user, or everybody's, the
// administrator's own present one among them.
func (a *app) destroyFoundSessions(c buffalo.Context) error {
	admin, err := a.requireFresh(c, "admin.end_title")
	if admin == nil {
		return err
	}
	userID, all, err := whose(c)
	if err != nil {
		return err
	}
	var n int64
	if all {
		n, err = a.store.RevokeAll(c.Request().Context())
	} else {
		if _, err = models.GetUser(a.db.WithContext(c.Request().Context()), userID); err != nil {
			return notFound(c, err)
		}
		n, err = a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: userID})
	}
	if err != nil {
		return err
	}
	a.audit(c, by(admin, ended(userID, models.EndedByAdmin, n)))
	if prefersHTML(c) {
		return a.done(c, "/admin/sessions", "ended_all")
	}
	return c.Render(http.StatusOK, a.pages.json(endedJSON{n}))
}

// whose reads whose sessions are to end: a user's, or everybody's.
func whose(c buffalo.Context) (userID string, all bool, err error) {
	userID, all = c.Param("user_id"), c.Param("all") == "true"
	if (userID != "") == all {
		return "", false, problem(http.StatusBadRequest, "error.whose")
	}
	return userID, all, nil
}

// by is an event that an administrator caused.
func by(admin *models.User, e models.Event) models.Event {
	e.ActorID = nulls.NewUUID(admin.ID)
	e.Notable = true
	return e
}

// notFound ends the request with 404 where that is what is wrong.
func notFound(c buffalo.Context, err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return c.Error(http.StatusNotFound, err)
	}
	return unavailable(err)
}
