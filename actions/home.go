package actions

import (
	"net/http"

	"github.com/gobuffalo/buffalo"
)

// home says what this is and who asks.
func (a *app) home(c buffalo.Context) error {
	if prefersPage(c) {
		return a.pages.show(c, "home.plush.html", "home.title")
	}
	var user *userJSON
	if u := currentUser(c); u != nil {
		shown := newUserJSON(u)
		user = &shown
	}
	return c.Render(http.StatusOK, a.pages.json(map[string]any{"name": "latchkey", "user": user}))
}
