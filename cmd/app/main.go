// Command app serves Latchkey, migrates its database and runs its tasks.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/gobuffalo/grift/grift"

	"github.com/latchkey/latchkey/config"
	_ "github.com/latchkey/latchkey/grifts" // registers the tasks
	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/models"
)

const usage = `Usage: app [COMMAND]

  serve                        serve the app (the default)
  migrate [up|down [N]|status] apply the migrations, take N back, list them
  task [NAME [ARGS]]           run a task, or list them
  version                      say which version this is
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what does not heed the first
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fail(err)
	}
}

// fail ends the program with the error, in one line.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "app:", strings.ReplaceAll(err.Error(), "\n", "; "))
	os.Exit(1)
}

// run carries out one command.
func run(ctx context.Context, args []string, out io.Writer) error {
	logPop()
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, out)
	case "migrate":
		return migrateDatabase(ctx, args, out)
	case "task", "tasks", "t":
		return task(ctx, args, out)
	case "version":
		_, err := fmt.Fprintln(out, version())
		return err
	case "help", "-h", "--help":
		_, err := io.WriteString(out, usage)
		return err
	}
	return fmt.Errorf("%q is no command: see app help", command)
}

func migrateDatabase(ctx context.Context, args []string, out io.Writer) error {
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	conn, err := models.Open(cfg.Database)
	if err != nil {
		return err
	}
	defer conn.Close()
	if len(args) == 0 {
		args = []string{"up"}
	}
	direction, rest := args[0], args[1:]
	if direction != "down" && len(rest) > 0 {
		return fmt.Errorf("migrate %s: takes nothing more, got %q", direction, rest)
	}
	switch direction {
	case "up":
		n, err := schema.Up(ctx, conn)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d migrations applied\n", n)
		return err
	case "down":
		steps, err := downSteps(rest)
		if err != nil {
			return err
		}
		return schema.Down(conn, steps)
	case "status":
		return schema.Status(conn, out)
	}
	return fmt.Errorf("migrate %s: want up, down or status", direction)
}

func downSteps(args []string) (int, error) {
	if len(args) == 0 {
		return 1, nil
	}
	steps, err := strconv.Atoi(args[0])
	if err != nil || len(args) > 1 {
		return 0, fmt.Errorf("migrate down: want one number of migrations to take back, got %q", args)
	}
	return steps, nil
}

func task(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		grift.PrintGrifts(out)
		return nil
	}
	c := grift.NewContextWithContext(args[0], ctx)
	c.Args = args[1:]
	return grift.Run(args[0], c)
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

var errPending = errors.New("the database is not up to date: run `app migrate` first")
