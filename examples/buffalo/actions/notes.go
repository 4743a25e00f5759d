package actions

import (
	"fmt"
	"net/http"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/examples/buffalo/models"
)

// HomeHandler shows the notes, and a form to sign in or leave a note.
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
	c.Set("name", c.Session().Get("current_user_id"))
	c.Set("mine", count(c, "notes"))
	c.Set("refused", count(c, "refused"))
	return c.Render(status, r.HTML("index.plush.html"))
}

// SignInHandler signs in anyone who gives a name.
func SignInHandler(c buffalo.Context) error {
	name := c.Param("name")
	if name == "" {
		c.Flash().Add("danger", "Say who you are.")
		return show(c, http.StatusUnprocessableEntity)
	}
	c.Session().Set("current_user_id", name)
	return c.Redirect(http.StatusSeeOther, "/")
}

// SignOutHandler signs the user out.
func SignOutHandler(c buffalo.Context) error {
	c.Session().Clear()
	return c.Redirect(http.StatusSeeOther, "/")
}

// CreateNoteHandler saves a note and counts it in the session. If the note is
// invalid, Buffalo rolls back the transaction, but the session keeps the count.
func CreateNoteHandler(c buffalo.Context) error {
	name, ok := c.Session().Get("current_user_id").(string)
	if !ok {
		return c.Error(http.StatusUnauthorized, fmt.Errorf("sign in first"))
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

// count returns a number from the session.
func count(c buffalo.Context, key string) int {
	n, _ := c.Session().Get(key).(int)
	return n
}
