// Command app serves Latchkey, migrates its database and runs its tasks.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/latchkey/latchkey/grifts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fail(err)
	}
}

// fail prints the error on one line and exits.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "app:", strings.ReplaceAll(err.Error(), "\n", "; "))
	os.Exit(1)
}

// run runs the command that the arguments name.
func run(ctx context.Context, args []string, out io.Writer) error {
	logLibraries()
	if len(args) == 0 {
		args = []string{"serve"}
	}
	name, args := args[0], args[1:]
	if name == "help" || grifts.IsHelp(name) {
		return help(ctx, args, out)
	}
	c, err := findCommand(name)
	if err != nil {
		return err
	}
	if c.wantsHelp(args) {
		return c.printHelp(out)
	}
	return c.run(ctx, args, out)
}

// wantsHelp reports whether the arguments ask for the command's help, rather than that
// of a task.
func (c command) wantsHelp(args []string) bool {
	if c.name == "task" {
		return len(args) > 0 && grifts.IsHelp(args[0])
	}
	return slices.ContainsFunc(args, grifts.IsHelp)
}

func printVersionLine(_ context.Context, args []string, out io.Writer) error {
	if err := noArguments("version", args); err != nil {
		return err
	}
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	_, err := fmt.Fprintln(out, version)
	return err
}

func noArguments(command string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, got %q; for example app %s", command, args, command)
	}
	return nil
}
