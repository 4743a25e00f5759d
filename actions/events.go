package actions

import (
	"net/http"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
)

// eventJSON is an event as the API shows one.
type eventJSON struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	At        string `json:"at"`
	Method    string `json:"method"`
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
	device
	SID      string `json:"sid"`
	Detail   string `json:"detail"`
	Sessions int64  `json:"sessions"`
	Notable  bool   `json:"notable"`
	ByAdmin  bool   `json:"by_admin"`
}

func newEventJSON(e models.Event) eventJSON {
	return eventJSON{
		ID: e.ID.String(), Kind: e.Kind, At: e.CreatedAt.UTC().Format(time.RFC3339),
		Method: e.Method, IP: e.IP, UserAgent: e.UserAgent, device: deviceOf(e.UserAgent),
		SID: e.SID, Detail: e.Detail, Sessions: e.Sessions, Notable: e.Notable, ByAdmin: e.ActorID.Valid,
	}
}

// listEvents shows what happened to somebody's account, the newest first.
func (a *app) listEvents(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		return a.signInFirst(c)
	}
	after, limit, err := pageOfList(c)
	if err != nil {
		return err
	}
	found, next, err := models.ListEvents(a.db.WithContext(c.Request().Context()), user.ID, after, limit)
	if err != nil {
		return badCursor(err)
	}
	events := []eventJSON{}
	for _, e := range found {
		if e.ActorID.Valid && e.ActorID.UUID != user.ID {
			e.IP, e.UserAgent = "", "" // an administrator's, and no device of the user's
		}
		events = append(events, newEventJSON(e))
	}
	if !prefersHTML(c) {
		return c.Render(http.StatusOK, a.pages.json(struct {
			Events []eventJSON `json:"events"`
			Next   *string     `json:"next"`
		}{events, orNone(next)}))
	}
	c.Set("events", events)
	c.Set("next", next)
	c.Set("first", after == "")
	return a.pages.show(c, "events.plush.html", "events.title")
}
