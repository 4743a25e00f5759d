package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gobuffalo/grift/grift"
)

func init() { grift.CommandName = "app task" }

// runTask runs the task that the first argument names.
func runTask(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 0, len(args) == 1 && (args[0] == "list" || args[0] == "help"):
		return printTasks(out)
	case len(args) == 2 && args[0] == "help":
		return printTaskHelp(ctx, args[1])
	}
	name := args[0]
	if !slices.Contains(grift.List(), name) {
		return fmt.Errorf("unknown task %q; for a list, see app task", name)
	}
	c := grift.NewContextWithContext(name, ctx)
	c.Args = args[1:]
	return grift.Run(name, c)
}

// printTaskHelp prints the help of a task, which does that itself so that it works with
// `buffalo task` too.
func printTaskHelp(ctx context.Context, name string) error {
	return runTask(ctx, []string{name, "--help"}, nil)
}

// printTasks lists the tasks, including those that were added to grift elsewhere. It
// replaces grift's own heading.
func printTasks(out io.Writer) error {
	var all strings.Builder
	grift.PrintGrifts(&all)
	list := all.String()
	if _, lines, ok := strings.Cut(list, "==\n"); ok {
		list = lines
	}
	_, err := fmt.Fprintf(out, "Tasks:\n\n%s\nFor the help of a task: app task help NAME\n", list)
	return err
}
