package actions

import (
	"net/http"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
)

// eventJSON is an event in the API.
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

// eventsJSON is one page of a list of events.
type eventsJSON struct {
	Events []eventJSON `json:"events"`
	Next   *string     `json:"next"`
}

// eventPage returns one page of a user's events, the newest first.
func (a *app) eventPage(c buffalo.Context, user *models.User) (events []models.Event, page web.Page, next string, err error) {
	page, err = web.ParsePage(c.Request().URL.Query())
	if err != nil {
		return nil, page, "", err
	}
	events, next, err = models.ListEvents(a.db.WithContext(c.Request().Context()), user.ID, page.After, page.Limit)
	return events, page, next, err
}

func newEventsJSON(events []models.Event, next string) eventsJSON {
	list := eventsJSON{Events: []eventJSON{}, Next: web.Cursor(next)}
	for _, e := range events {
		list.Events = append(list.Events, newEventJSON(e))
	}
	return list
}

// listEvents shows the events of the current user's account.
func (a *app) listEvents(c buffalo.Context) error {
	user := currentUser(c)
	events, page, next, err := a.eventPage(c, user)
	if err != nil {
		return err
	}
	hideAdmins(events, user)
	list := newEventsJSON(events, next)
	if !web.PrefersHTML(c.Request()) {
		return a.pages.json(c, http.StatusOK, list)
	}
	c.Set("events", list.Events)
	setPaging(c, page, next)
	return a.pages.show(c, "events.plush.html", "events.title")
}

// hideAdmins removes administrators' IP addresses and browsers from a user's events.
func hideAdmins(events []models.Event, user *models.User) {
	for i, e := range events {
		if e.ActorID.Valid && e.ActorID.UUID != user.ID {
			events[i].IP, events[i].UserAgent = "", ""
		}
	}
}
