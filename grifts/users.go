package grifts

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/accounts"
	"github.com/latchkey/latchkey/models"
)

func listUsers(t tools) error {
	users, err := models.ListUsers(t.db)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USERNAME\tNAME\tROLE\tDISABLED\tID")
	for _, u := range users {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Username, u.Name, u.Role, timeOrDash(u.DisabledAt.Time), u.ID)
	}
	return w.Flush()
}

func timeOrDash(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func setRole(t tools) error { return t.changeUser(t.args[0], models.Change{Role: &t.args[1]}) }

func disableUser(t tools) error { return t.setDisabled(true) }

func enableUser(t tools) error { return t.setDisabled(false) }

func (t tools) setDisabled(disabled bool) error {
	return t.changeUser(t.args[0], models.Change{Disabled: &disabled})
}

// userID returns the ID of the user with a username, enabled or disabled.
func (t tools) userID(username string) (string, error) {
	user, err := models.UserByUsername(t.db, username)
	if errors.Is(err, models.ErrNotFound) {
		return "", fmt.Errorf("user %w: %q; list the usernames with %s", models.ErrNotFound, username, commandLine("users:list"))
	}
	if err != nil {
		return "", err
	}
	return user.ID.String(), nil
}

// changeUser changes a user and revokes their sessions, as the pages for administrators
// do.
func (t tools) changeUser(username string, change models.Change) error {
	id, err := t.userID(username)
	if err != nil {
		return err
	}
	record := func(e models.Event) error { return models.RecordEvent(t.db, e) }
	result, err := accounts.Accounts{DB: t.db, Store: t.store}.Change(t.ctx, id, change, nil, record)
	if err != nil {
		return fmt.Errorf("%s: %w", username, err)
	}
	user := result.User
	if result.Changed == (models.Change{}) {
		_, err := fmt.Fprintf(t.out, "nothing to change: %s is already %s, %s\n", user.Username, user.Role, state(user))
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s: %s, %s; %s revoked\n", user.Username, user.Role, state(user), count(int(result.Revoked), "session"))
	return err
}

func state(user *models.User) string {
	if !user.MaySignIn() {
		return "disabled"
	}
	return "enabled"
}

func seed(t tools) error {
	if t.cfg.Env == config.Production {
		return errors.New("GO_ENV=production: the development users are not allowed in production; for example GO_ENV=staging")
	}
	n, err := models.SeedUsers(t.db)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s created\n", count(n, "user"))
	return err
}
