package actions

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gobuffalo/buffalo"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/accounts"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// foundSession is a session with its user, for administrators.
type foundSession struct {
	sessionJSON
	UserID   *string `json:"user_id"`
	Username *string `json:"username"`
}

// searchSessions finds sessions of all users.
func (a *app) searchSessions(c buffalo.Context) error {
	filter, err := a.sessionFilter(c)
	if err != nil {
		return err
	}
	records, page, next, err := a.sessionPage(c, filter)
	if err != nil {
		return err
	}
	found, err := a.withUsernames(c, records)
	if err != nil {
		return err
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, struct {
			Sessions []foundSession `json:"sessions"`
			Next     *string        `json:"next"`
		}{found, web.Cursor(next)})
	}
	c.Set("sessions", found)
	setPaging(c, page, next)
	a.setSearch(c, filter, next)
	return a.pages.show(c, "admin_sessions.plush.html", "admin.sessions")
}

// setSearch sets what the search form and the links below the list need.
func (a *app) setSearch(c buffalo.Context, filter sessionstore.Filter, next string) {
	query := url.Values{}
	for _, field := range []string{"user", "ip", "method", "state"} {
		c.Set(field, c.Param(field))
		if value := c.Param(field); value != "" {
			query.Set(field, value)
		}
	}
	c.Set("method", filter.AuthMethod)
	c.Set("methods", a.methodsWith(filter.AuthMethod))
	// After a search, a button for all sessions would seem to mean those found.
	c.Set("unsearched", len(query) == 0)
	if filter.UserID == unknownUser {
		filter.UserID = "" // there is nothing to revoke
	}
	c.Set("user_id", filter.UserID)
	query.Set("after", next)
	c.Set("next_page", "/admin/sessions?"+query.Encode())
}

// methodsWith returns the sign-in methods that sessions can have. The one that was
// searched for may not be configured any more.
func (a *app) methodsWith(searched string) []string {
	methods := []string{config.BypassMethod, config.TokenMethod}
	for _, p := range a.flow.Providers {
		methods = append(methods, p.Name)
	}
	if searched != "" && !slices.Contains(methods, searched) {
		methods = append(methods, searched)
	}
	return methods
}

// unknownUser is an ID that no user has; it finds no sessions.
const unknownUser = "nobody"

// sessionFilter reads which sessions to search for.
func (a *app) sessionFilter(c buffalo.Context) (sessionstore.Filter, error) {
	filter := sessionstore.Filter{IP: strings.TrimSpace(c.Param("ip")), AuthMethod: strings.TrimSpace(c.Param("method"))}
	if addr, err := netip.ParseAddr(filter.IP); err == nil {
		filter.IP = addr.Unmap().String() // as it is stored
	}
	signedIn := c.Param("state") == "signed-in"
	switch c.Param("state") {
	case "":
	case "signed-in", "anonymous":
		filter.SignedIn = &signedIn
	default:
		return filter, errInvalidState
	}
	name := strings.TrimSpace(c.Param("user"))
	if name == "" {
		filter.AnyUser = true
		return filter, nil
	}
	user, err := a.findUser(c, name)
	if errors.Is(err, models.ErrNotFound) {
		filter.UserID = unknownUser
		return filter, nil
	}
	if err != nil {
		return filter, err
	}
	filter.UserID = user.ID.String()
	return filter, nil
}

// findUser finds a user by ID or username, disabled or not. A username may look like
// an ID; the ID wins.
func (a *app) findUser(c buffalo.Context, name string) (*models.User, error) {
	db := a.db.WithContext(c.Request().Context())
	user, err := models.UserByID(db, name)
	if errors.Is(err, models.ErrNotFound) {
		return models.UserByUsername(db, name)
	}
	return user, err
}

// withUsernames adds the users to sessions.
func (a *app) withUsernames(c buffalo.Context, records []sessionstore.Record) ([]foundSession, error) {
	var ids []string
	for _, r := range records {
		ids = append(ids, r.UserID)
	}
	names, err := models.UsernamesOf(a.db.WithContext(c.Request().Context()), ids)
	if err != nil {
		return nil, err
	}
	found := []foundSession{}
	for _, r := range records {
		f := foundSession{sessionJSON: newSessionJSON(r, c.Session().Session.ID)}
		f.UserID, f.Username = textOrNull(r.UserID), textOrNull(names[r.UserID])
		found = append(found, f)
	}
	return found, nil
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// revokeFoundSession revokes one session of any user.
func (a *app) revokeFoundSession(c buffalo.Context) error {
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
		return notFound
	}
	event := models.NewSessionEvent(found[0].UserID, models.RevokedByAdmin, 1)
	event.SID = sid
	a.audit(c, accounts.By(currentUser(c), event))
	return a.changed(c, a.listPage(c.Request(), "/admin/sessions"), noticeRevokedOne)
}

// confirmRevoke says how many sessions revokeFoundSessions would revoke.
func (a *app) confirmRevoke(c buffalo.Context) error {
	user, err := a.revokeTarget(c)
	if err != nil {
		return err
	}
	n, isEstimate, err := a.countSessions(c, user)
	if err != nil {
		return err
	}
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, map[string]int{"count": n})
	}
	shown := a.pages.number(c, n)
	if isEstimate {
		shown = a.pages.text(c, "about", map[string]string{"Number": shown})
	}
	username, userID := "", ""
	if user != nil {
		username, userID = user.Username, user.ID.String()
	}
	c.Set("username", username)
	c.Set("user_id", userID) // a username may look like another user's ID
	c.Set("count", n)
	c.Set("shown", shown)
	return a.pages.show(c, "admin_revoke.plush.html", "admin.revoke_title")
}

// countSessions counts a user's live sessions, or all of them if user is nil.
func (a *app) countSessions(c buffalo.Context, user *models.User) (n int, isEstimate bool, err error) {
	if user == nil {
		return a.statistics.sessions(c.Request().Context())
	}
	count, err := a.store.Count(c.Request().Context(), sessionstore.Filter{UserID: user.ID.String()})
	return int(count), false, err
}

// revokeFoundSessions revokes all sessions of a user or of all users, including the
// administrator's current one.
func (a *app) revokeFoundSessions(c buffalo.Context) error {
	user, err := a.revokeTarget(c)
	if err != nil {
		return err
	}
	userID := ""
	var n int64
	if user == nil {
		n, err = a.store.RevokeAll(c.Request().Context())
	} else {
		userID = user.ID.String()
		n, err = a.store.Revoke(c.Request().Context(), sessionstore.Filter{UserID: userID})
	}
	if err != nil {
		return err
	}
	a.audit(c, accounts.By(currentUser(c), models.NewSessionEvent(userID, models.RevokedByAdmin, n)))
	if web.PrefersHTML(c.Request()) {
		return a.changed(c, "/admin/sessions", noticeRevokedAll)
	}
	return a.pages.json(c, http.StatusOK, revokedJSON{n})
}

// revokeTarget returns the user whose sessions are to be revoked, or nil for all
// users.
func (a *app) revokeTarget(c buffalo.Context) (*models.User, error) {
	name := strings.TrimSpace(c.Param("user"))
	all, err := boolParam(c, "all")
	switch {
	case err != nil:
		return nil, err
	case (name != "") == all:
		return nil, errNoTarget
	case all:
		return nil, nil
	}
	return a.findUser(c, name)
}
