package actions

import (
	"fmt"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/examples/buffalo/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// HomeHandler shows the notes, and the form that the visitor may use.
func HomeHandler(c buffalo.Context) error {
	return show(c, http.StatusOK)
}

func show(c buffalo.Context, status int) error {
	tx, ok := c.Value("tx").(*pop.Connection)
	if !ok {
		return fmt.Errorf("no transaction found")
	}
	notes := []models.Note{}
	if err := tx.Order("created_at desc").Limit(20).All(&notes); err != nil {
		return err
	}
	c.Set("notes", notes)
	c.Set("name", c.Session().Get("user_id"))
	c.Set("mine", count(c, "notes"))
	c.Set("refused", count(c, "refused"))
	return c.Render(status, r.HTML("index.plush.html"))
}

// SignInHandler believes everybody.
func SignInHandler(c buffalo.Context) error {
	name := c.Param("name")
	if name == "" {
		c.Flash().Add("danger", "Say who you are.")
		return show(c, http.StatusUnprocessableEntity)
	}
	if err := sessionstore.SignIn(c.Session().Session, sessionstore.Login{UserID: name, Method: "name"}); err != nil { // session: renews it
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

// SignOutHandler ends the session.
func SignOutHandler(c buffalo.Context) error {
	if err := sessionstore.SignOut(c.Session().Session); err != nil { // session: its row goes
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/")
}

// CreateNoteHandler keeps a note, and counts it in the session. What it tells the
// session of a note that it refuses outlives the transaction.
func CreateNoteHandler(c buffalo.Context) error {
	name, ok := c.Session().Get("user_id").(string)
	if !ok {
		return c.Error(http.StatusUnauthorized, fmt.Errorf("nobody is signed in"))
	}
	tx, ok := c.Value("tx").(*pop.Connection)
	if !ok {
		return fmt.Errorf("no transaction found")
	}
	verrs, err := tx.ValidateAndCreate(&models.Note{Author: name, Text: c.Param("text")})
	if err != nil {
		return err
	}
	if verrs.HasAny() {
		c.Session().Set("refused", count(c, "refused")+1)
		c.Flash().Add("danger", verrs.Error())
		return show(c, http.StatusUnprocessableEntity)
	}
	c.Session().Set("notes", count(c, "notes")+1)
	c.Flash().Add("success", "Thank you.")
	return c.Redirect(http.StatusSeeOther, "/")
}

// count is a number that the session keeps.
func count(c buffalo.Context, key string) int {
	n, _ := c.Session().Get(key).(int)
	return n
}
