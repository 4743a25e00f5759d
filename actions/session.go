package actions

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/signin"
)

// sessionJSON is a session as the API shows one. Times are RFC 3339 in UTC, to
// the second.
type sessionJSON struct {
	SID string `json:"sid"`
	device
	AuthMethod      string  `json:"auth_method"`
	CreatedAt       string  `json:"created_at"`
	AuthenticatedAt *string `json:"authenticated_at"` // null where the provider should say it and does not
	LastSeenAt      string  `json:"last_seen_at"`
	ExpiresAt       string  `json:"expires_at"`
	IP              string  `json:"ip"`
	UserAgent       string  `json:"user_agent"`
	Label           string  `json:"label"` // what the user calls it; "" for none
	Remembered      bool    `json:"remembered"`
	Current         bool    `json:"current"`
}

func newSessionJSON(r sessionstore.Record, currentSID string) sessionJSON {
	return sessionJSON{
		SID:             r.SID,
		device:          deviceOf(r.UserAgent),
		AuthMethod:      r.AuthMethod,
		CreatedAt:       r.CreatedAt.Format(time.RFC3339),
		AuthenticatedAt: orNull(r.AuthenticatedAt),
		LastSeenAt:      r.LastSeenAt.Format(time.RFC3339),
		ExpiresAt:       r.ExpiresAt.Format(time.RFC3339),
		IP:              r.IP,
		UserAgent:       r.UserAgent,
		Label:           r.Label,
		Remembered:      r.Remembered,
		Current:         r.SID == currentSID,
	}
}

func orNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.Format(time.RFC3339)
	return &text
}

// newSession shows the ways in.
func (a *app) newSession(c buffalo.Context) error {
	fresh := c.Param("fresh") != "" && currentUser(c) != nil
	providers := a.waysIn()
	if fresh {
		var err error
		if providers, err = a.waysBack(c, providers); err != nil {
			return err
		}
	}
	if !prefersPage(c) {
		ways := []string{}
		if a.cfg.BypassAuth {
			ways = append(ways, "/auth/bypass")
		}
		for _, way := range providers {
			ways = append(ways, way.Path)
		}
		return c.Render(http.StatusOK, a.pages.json(map[string]any{"ways": ways}))
	}
	a.setSignIn(c, providers, fresh)
	c.Set("signed_out", c.Param("notice") == "signed-out")
	c.Set("provider_signout", a.signOutURL(c.Param("provider")))
	c.Set("provider_label", a.labelOf(c.Param("provider")))
	return a.pages.show(c, "signin.plush.html", "signin")
}

// setSignIn gives the sign-in page what it shows: the ways in, and what somebody was
// about to do who must sign in again for it.
func (a *app) setSignIn(c buffalo.Context, ways []wayIn, fresh bool) {
	returnTo := localPath(c.Param("return_to"))
	c.Set("waits", "")
	if act := waiting(c); act != nil && act.Page == returnTo {
		c.Set("waits", a.pages.texts.Translate(c, act.Name))
	}
	c.Set("fresh", fresh)
	c.Set("ways", ways)
	c.Set("bypass", a.cfg.BypassAuth)
	c.Set("remember_for", a.pages.period(c, a.cfg.Session.RememberLifetime))
	c.Set("return_to", returnTo)
	c.Set("token", "")
	c.Set("failure", "")
	c.Set("signed_out", false)
}

// A wayIn is a provider's button.
type wayIn struct {
	Path, Label string
	Down        bool // it did not answer a moment ago
	Linked      bool // on the account page: one of its accounts is the user's
	provider    *signin.Provider
}

// leadsTo reports whether one of the identities is the provider's.
func (w wayIn) leadsTo(identities []models.Identity) bool {
	return slices.ContainsFunc(identities, func(i models.Identity) bool { return w.provider.Issues(i.Issuer) })
}

func (a *app) waysIn() []wayIn {
	ways := []wayIn{}
	for _, p := range a.flow.Providers {
		ways = append(ways, wayIn{Path: "/auth/" + p.Name, Label: p.Label, Down: p.Down() != nil, provider: p})
	}
	return ways
}

// showSession says who asks, and in which session.
func (a *app) showSession(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		return errNobody
	}
	record, err := a.record(c)
	if err != nil {
		return err
	}
	session := newSessionJSON(record, record.SID)
	if prefersHTML(c) {
		c.Set("session_record", session)
		return a.pages.show(c, "session.plush.html", "session.title")
	}
	return c.Render(http.StatusOK, a.pages.json(struct {
		User    userJSON    `json:"user"`
		Session sessionJSON `json:"session"`
	}{newUserJSON(user), session}))
}

// waysBack leaves of the ways in those that lead to who is signed in.
func (a *app) waysBack(c buffalo.Context, all []wayIn) ([]wayIn, error) {
	mine, err := a.identitiesOf(c, currentUser(c))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(w wayIn) bool { return !w.leadsTo(mine) }), nil
}

// isUsable reports whether somebody can sign in with an identity as the app is set up.
func (a *app) isUsable(i models.Identity) bool {
	return slices.ContainsFunc(a.flow.Providers, func(p *signin.Provider) bool { return p.Issues(i.Issuer) })
}

// record returns what is known of the session of who asks.
func (a *app) record(c buffalo.Context) (sessionstore.Record, error) {
	record, err := sessionstore.Describe(c.Request().Context(), c.Session().Session)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return record, errNobody // it ended meanwhile
	}
	return record, err
}

// destroySession signs out. Clear-Site-Data leaves cookies alone: it would take
// those of every app on the same domain along, and ours is ended by name.
func (a *app) destroySession(c buffalo.Context) error {
	user := currentUser(c)
	if user == nil {
		if a.canSignIn(c) {
			return c.Redirect(http.StatusSeeOther, "/signin")
		}
		return errNobody
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
	if prefersHTML(c) {
		to := "/signin?notice=signed-out"
		if a.signOutURL(record.AuthMethod) != "" {
			to += "&provider=" + record.AuthMethod
		}
		return c.Redirect(http.StatusSeeOther, "%s", to)
	}
	return c.Render(http.StatusNoContent, nil)
}
