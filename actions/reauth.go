package actions

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
)

// recent calls next if the current user signed in within SESSION_FRESH_FOR, here or
// at their provider. Otherwise a browser is sent to sign in again, and the request
// becomes a pending action. name is the text ID of the action's name.
func (a *app) recent(name string, next buffalo.Handler) buffalo.Handler {
	return a.recentOn("", name, next)
}

// recentOn is recent, but the action resumes on the given page instead of the one
// that its form is on.
func (a *app) recentOn(page, name string, next buffalo.Handler) buffalo.Handler {
	return a.usersOnly(func(c buffalo.Context) error {
		record, err := a.currentRecord(c)
		if err != nil {
			return err
		}
		if time.Since(record.AuthenticatedAt) < a.cfg.Session.FreshFor {
			if err := dropPending(c); err != nil {
				return err
			}
			return next(c)
		}
		return a.askToReauthenticate(c, page, name)
	})
}

// askToReauthenticate sends a browser to sign in again and keeps the request as the
// pending action. Other clients get an error.
func (a *app) askToReauthenticate(c buffalo.Context, page, name string) error {
	r := c.Request()
	a.logRefusal(c, "signin.stale", "user", currentUser(c).ID, "path", web.Clip(r.URL.Path))
	if !a.isBrowser(c) {
		return errNotRecent
	}
	if page == "" {
		page = a.currentPage(r)
	}
	if err := a.keepPending(c, name, page); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/signin?%s", url.Values{"fresh": {"true"}, "return_to": {page}}.Encode())
}

const (
	// pendingKey is the session value that holds the pending action.
	pendingKey = "pending_action"
	// maxPending is the largest pending action, in bytes of its form and path. Ours
	// are far smaller.
	maxPending = 4096
)

// A pendingAction is a form that needed a recent sign-in when the user sent it. It
// is kept in the session, so that no other site and no link can create one. It
// resumes when a sign-in leads back to its page. See docs/decisions/12.
type pendingAction struct {
	Name  string // the ID of its text
	Page  string // that its form is on
	Path  string // that its form is sent to
	Form  url.Values
	Until time.Time
	Ready bool // the user has signed in again
}

// keepPending keeps the request's form as the pending action. Requests that do not
// come from one of our forms, or are too long, are dropped.
func (a *app) keepPending(c buffalo.Context, name, page string) error {
	r := c.Request()
	form := r.PostForm
	isForm := r.Method == http.MethodPost || form.Get("_method") == r.Method
	if !isForm || len(form.Encode())+len(here(r)) > maxPending {
		return dropPending(c)
	}
	action := pendingAction{Name: name, Page: page, Path: here(r), Form: form, Until: time.Now().Add(a.cfg.Session.FreshFor)}
	if err := action.store(c); err != nil {
		return err
	}
	return c.Session().Save()
}

func (p *pendingAction) store(c buffalo.Context) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep pending action: %w", err)
	}
	c.Session().Set(pendingKey, string(text))
	return nil
}

// pending returns the session's pending action, or nil.
func pending(c buffalo.Context) *pendingAction {
	text, ok := c.Session().Get(pendingKey).(string)
	if !ok {
		return nil
	}
	var action pendingAction
	if err := json.Unmarshal([]byte(text), &action); err != nil || time.Now().After(action.Until) {
		return nil
	}
	return &action
}

// resumePending makes the pending action ready if a sign-in leads back to its page,
// and drops it otherwise. The caller saves the session.
func resumePending(c buffalo.Context, page string) error {
	action := pending(c)
	if action == nil || action.Page != page {
		c.Session().Delete(pendingKey)
		return nil
	}
	action.Ready = true
	return action.store(c)
}

// readyAction returns the pending action that the requested page resumes, or nil.
func readyAction(c buffalo.Context) *pendingAction {
	action := pending(c)
	if action == nil || !action.Ready || c.Request().Method != http.MethodGet || action.Page != here(c.Request()) {
		return nil
	}
	return action
}

// dropPending drops the pending action.
func dropPending(c buffalo.Context) error {
	if _, ok := c.Session().Get(pendingKey).(string); !ok {
		return nil
	}
	c.Session().Delete(pendingKey)
	return c.Session().Save()
}
