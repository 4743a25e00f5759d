// Package grifts contains the tasks of `app task NAME` and `buffalo task NAME`.
package grifts

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/gobuffalo/grift/grift"
	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/database"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/sessionstore"
)

var tasks = []task{
	{
		name:    "secret:generate",
		summary: "Print a new SESSION_SECRET",
		help: `
It has 32 random bytes, in hex.
`,
		run: generateSecret,
	},
	{
		name:    "secret:rotate",
		summary: "Put a new secret in front of SESSION_SECRET in .env",
		help: `
Nobody is signed out: cookies signed with an older secret stay valid until you
remove that secret. The task prints what to do next. If SESSION_SECRET is set in
the environment instead, it changes nothing and prints the steps.
`,
		run: rotateSecret,
	},
	{
		name:    "sessions:cleanup",
		summary: "Delete the expired sessions",
		help: `
The app also does this by itself while it runs.
`,
		run: withTools(cleanupSessions),
	},
	{
		name: "sessions:list", args: "[USERNAME]", max: 1,
		summary: "List the live sessions of all users or of one",
		help: `
Newest first, at most 1000. A session without a user is anonymous.
`,
		example: "ada",
		run:     withTools(listSessions),
	},
	{
		name: "sessions:revoke", args: "SID | user USERNAME | all", min: 1, max: 2,
		summary: "Revoke a session, all sessions of a user, or all sessions",
		help: `
It takes effect at once. The SID is the part of the cookie before the first dot;
sessions:list prints it. Access tokens are sessions too.
`,
		example: "user ada",
		run:     withTools(revokeSessions),
	},
	{
		name: "sessions:show", args: "SID | COOKIE", min: 1, max: 1,
		summary: "Show a session and its values",
		help: `
For the value of a session cookie, it also says whether the cookie is valid.
`,
		example: "5DFisugbQaTZXZVZEhXI2D9U",
		run:     withTools(showSession),
	},
	{
		name: "users:disable", args: "USERNAME", min: 1, max: 1,
		summary: "Disable a user and revoke their sessions",
		help: `
The user cannot sign in until users:enable. The last administrator cannot be
disabled.
`,
		example: "ada",
		run:     withTools(disableUser),
	},
	{
		name: "users:enable", args: "USERNAME", min: 1, max: 1,
		summary: "Enable a disabled user",
		help: `
The user can sign in again. Sessions from before stay revoked.
`,
		example: "ada",
		run:     withTools(enableUser),
	},
	{
		name:    "users:list",
		summary: "List all users",
		help: `
Sorted by username, with disabled users.
`,
		run: withTools(listUsers),
	},
	{
		name: "users:role", args: "USERNAME member|admin", min: 2, max: 2,
		summary: "Change a user's role and revoke their sessions",
		help: `
The last administrator cannot become a member.
`,
		example: "ada admin",
		run:     withTools(setRole),
	},
	{
		name:    "db:seed",
		summary: "Create the development users",
		help: `
They are admin, contributor, manager and user. Existing users do not change. The
task fails in production.
`,
		run: withTools(seed),
	},
	{
		name:    "routes",
		summary: "List the routes",
		help: `
NAME is the helper that returns the path in templates. The list leaves out /assets
and /session/alive, which Buffalo does not serve. The task needs no database.
`,
		run: listRoutes,
	},
}

func init() {
	for _, t := range tasks {
		if err := t.register(); err != nil {
			panic(err)
		}
	}
}

// tools are what most tasks need.
type tools struct {
	ctx   context.Context
	cfg   config.Config
	db    *pop.Connection
	store *sessionstore.Store
	args  []string
	out   io.Writer
}

// withTools reads the settings and opens the database before it runs a task.
func withTools(run func(tools) error) grift.Grift {
	return func(c *grift.Context) (err error) {
		cfg, err := config.Load()
		if err != nil {
			return err
		}
		db, err := database.Open(c, cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		store, err := sessionstore.New(db, sessions.Options(cfg))
		if err != nil {
			return err
		}
		return run(tools{ctx: c, cfg: cfg, db: db.WithContext(c), store: store, args: c.Args, out: os.Stdout})
	}
}
