package actions

import (
	"net/http"

	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
)

// home shows the home page. In JSON, it returns the current user.
func (a *app) home(c buffalo.Context) error {
	if web.PrefersPage(c.Request()) {
		return a.pages.show(c, "home.plush.html", "home.title")
	}
	var user *userJSON
	if u := currentUser(c); u != nil {
		shown := newUserJSON(u)
		user = &shown
	}
	return a.pages.json(c, http.StatusOK, map[string]any{"name": "latchkey", "user": user})
}
