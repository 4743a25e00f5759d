package actions

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gobuffalo/buffalo"
)

const (
	// waitingKey is where the session keeps the act that waits for a recent sign-in.
	waitingKey = "waiting_act"
	// maxWaiting is how much waits, in bytes, the form and where it goes together: far
	// more than any of ours has.
	maxWaiting = 4096
)

// A waitingAct is what somebody was about to do on a page when it needed a recent
// sign-in. It waits in his session, so that no other site and no link can bring it
// about, and is done when a sign-in leads him back to that page.
type waitingAct struct {
	Name  string     // id of the text that names it
	Page  string     // where he was
	Path  string     // where its form goes
	Form  url.Values // and what it holds
	Until time.Time
	Ready bool // he has signed in again
}

// await keeps the form that was sent until its sender has signed in again, in place of
// what waited before. What no page of ours sends, such as a long form, does not wait.
func (a *app) await(c buffalo.Context, name, page string) error {
	r := c.Request()
	form := r.PostForm
	if posted := r.Method == http.MethodPost || form.Get("_method") == r.Method; !posted || len(form.Encode())+len(here(r)) > maxWaiting {
		return dropWaiting(c)
	}
	act := waitingAct{Name: name, Page: page, Path: here(r), Form: form, Until: time.Now().Add(a.cfg.Session.FreshFor)}
	if err := act.keep(c); err != nil {
		return err
	}
	return c.Session().Save()
}

func (act *waitingAct) keep(c buffalo.Context) error {
	text, err := json.Marshal(act)
	if err != nil {
		return fmt.Errorf("keep what waits for a sign-in: %w", err)
	}
	c.Session().Set(waitingKey, string(text))
	return nil
}

// waiting returns what waits in the session, and nil where nothing does.
func waiting(c buffalo.Context) *waitingAct {
	text, ok := c.Session().Get(waitingKey).(string)
	if !ok {
		return nil
	}
	var act waitingAct
	if err := json.Unmarshal([]byte(text), &act); err != nil || time.Now().After(act.Until) {
		return nil
	}
	return &act
}

// takeUp readies what waits where a sign-in, which is to be saved next, leads back to
// its page. Any other sign-in drops it: whoever began it has left it.
func takeUp(c buffalo.Context, page string) error {
	act := waiting(c)
	if act == nil || act.Page != page {
		c.Session().Delete(waitingKey)
		return nil
	}
	act.Ready = true
	return act.keep(c)
}

// ready returns what is to be done on this page now.
func ready(c buffalo.Context) *waitingAct {
	act := waiting(c)
	if act == nil || !act.Ready || c.Request().Method != http.MethodGet || act.Page != here(c.Request()) {
		return nil
	}
	return act
}

// dropWaiting drops what waits: its sender does it now, or something else.
func dropWaiting(c buffalo.Context) error {
	if _, ok := c.Session().Get(waitingKey).(string); !ok {
		return nil
	}
	c.Session().Delete(waitingKey)
	return c.Session().Save()
}
