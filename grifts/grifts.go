// Package grifts holds the tasks: `app task NAME`, or `buffalo task NAME`.
package grifts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gobuffalo/grift/grift"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// tools are what a task works with.
type tools struct {
	ctx   context.Context
	cfg   config.Config
	db    *pop.Connection
	store *sessionstore.Store
	args  []string
	out   io.Writer
}

// withTools makes a grift of a task that needs the settings, the database and
// the sessions.
func withTools(task func(tools) error) grift.Grift {
	return func(c *grift.Context) (err error) {
		cfg, err := config.Load()
		if err != nil {
			return err
		}
		db, err := models.Open(cfg.Database)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		store, err := sessionstore.New(db, sessions.Options(cfg))
		if err != nil {
			return err
		}
		return task(tools{ctx: c, cfg: cfg, db: db.WithContext(c), store: store, args: c.Args, out: os.Stdout})
	}
}

// arg returns the task's one argument.
func (t tools) arg(name string) (string, error) {
	if len(t.args) != 1 {
		return "", fmt.Errorf("want one argument: %s", name)
	}
	return t.args[0], nil
}

func init() {
	// grift's own errors are of names given twice, which no user can mend.
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	add := func(name, description string, task grift.Grift) {
		must(grift.Desc(name, description))
		must(grift.Add(name, task))
	}
	add("secret:generate", "Print a fresh SESSION_SECRET", generateSecret)
	add("secret:rotate", "Put a fresh secret in front of SESSION_SECRET in .env", rotateSecret)
	add("sessions:cleanup", "Delete the expired sessions", withTools(cleanupSessions))
	add("sessions:list", "List the live sessions, of all users or of one: [NAME]", withTools(listSessions))
	add("sessions:revoke", "Revoke sessions: SID | user NAME | all", withTools(revokeSessions))
	add("sessions:show", "Show what is in a session: SID-or-COOKIE", withTools(showSession))
	add("users:disable", "Disable a user and revoke their sessions: NAME", withTools(disableUser))
	add("users:enable", "Enable a disabled user: NAME", withTools(enableUser))
	add("users:list", "List the users", withTools(listUsers))
	add("users:role", "Give a user another role: NAME member|admin", withTools(setRole))
	add("db:seed", "Create the users of development", withTools(seed))
}
