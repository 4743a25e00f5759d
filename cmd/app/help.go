package main

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// A command is what the first argument names.
type command struct {
	name    string
	aliases []string
	usage   string // the arguments
	summary string // for the list of commands
	help    string // the rest of the help, with an example
	run     func(ctx context.Context, args []string, out io.Writer) error
}

var commands = []command{
	{
		name:    "serve",
		summary: "Serve the app",
		help: `
It stops on SIGINT or SIGTERM, after requests in progress have ended.

In development, it first applies the pending migrations and creates the development
users; the first run also writes .env with a new SESSION_SECRET. In staging and
production, it does not start while migrations are pending.

Settings are read from the environment and from .env; see .env.example.

Example:
  PORT=4000 app serve
`,
		run: serve,
	},
	{
		name:    "migrate",
		usage:   "[up | down [N] | status]",
		summary: "Apply, revert or list the database migrations",
		help: `
  up        apply all pending migrations (the default)
  down [N]  revert the last N migrations (1 by default), which deletes the data in
            their tables and columns
  status    list the migrations and whether they are applied

The database is that of DATABASE_URL.

Example:
  app migrate status
`,
		run: migrateDatabase,
	},
	{
		name:    "task",
		aliases: []string{"tasks", "t"},
		usage:   "[NAME [ARGUMENT...]]",
		summary: "Run a task, or list the tasks",
		help: `
Without arguments, it lists the tasks. For the help of a task: app task help NAME

Example:
  app task users:role ada admin
`,
		run: runTask,
	},
	{
		name:    "version",
		summary: "Print the version",
		help: `
Example:
  app version
`,
		run: printVersionLine,
	},
}

func findCommand(name string) (command, error) {
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == name || slices.Contains(c.aliases, name) })
	if i < 0 {
		return command{}, fmt.Errorf("unknown command %q; for a list, see app help", name)
	}
	return commands[i], nil
}

// help runs `app help [COMMAND]`, and `app help task NAME`.
func help(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return printUsage(out)
	}
	c, err := findCommand(args[0])
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1:
		return c.printHelp(out)
	case len(args) == 2 && c.name == "task":
		return printTaskHelp(ctx, args[1])
	}
	return fmt.Errorf("help: unknown arguments %q; for example app help %s", args[1:], c.name)
}

func (c command) printHelp(out io.Writer) error {
	usage := "app " + c.name
	if c.usage != "" {
		usage += " " + c.usage
	}
	_, err := fmt.Fprintf(out, "Usage: %s\n\n%s.\n%s", usage, c.summary, c.help)
	return err
}

func printUsage(out io.Writer) error {
	fmt.Fprint(out, "Usage: app [COMMAND]\n\nWithout a command, it runs serve.\n\nCommands:\n")
	for _, c := range commands {
		fmt.Fprintf(out, "  %-9s %s\n", c.name, c.summary)
	}
	_, err := fmt.Fprint(out, "  help      Show this help, or that of a command\n\nExample:\n  app help migrate\n")
	return err
}
