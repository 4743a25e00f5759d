package grifts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gobuffalo/grift/grift"
)

// A task is what `app task NAME` runs.
type task struct {
	name     string
	args     string // the arguments, for the usage line
	min, max int    // the number of arguments
	summary  string // for the list of tasks
	help     string // the rest of the help
	example  string // the arguments of an example
	run      grift.Grift
}

// IsHelp reports whether an argument asks for help.
func IsHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// register adds the task to grift, which runs it.
func (t task) register() error {
	description := t.summary
	if t.args != "" {
		description += ": " + t.args
	}
	return errors.Join(grift.Desc(t.name, description), grift.Add(t.name, t.check))
}

// check runs the task, unless the arguments ask for help or are too few or too many.
func (t task) check(c *grift.Context) error {
	if slices.ContainsFunc(c.Args, IsHelp) {
		return t.printHelp(os.Stdout)
	}
	if err := t.checkNumber(len(c.Args)); err != nil {
		return err
	}
	return t.run(c)
}

// checkNumber checks the number of arguments. Its error does not contain them, because
// one may be a cookie.
func (t task) checkNumber(n int) error {
	switch {
	case n >= t.min && n <= t.max:
		return nil
	case t.max == 0:
		return fmt.Errorf("%s takes no arguments, got %d; for example %s", t.name, n, t.exampleLine())
	}
	return fmt.Errorf("%s: wrong number of arguments (%d); usage: %s; for example %s", t.name, n, t.usage(), t.exampleLine())
}

func (t task) printHelp(out io.Writer) error {
	_, err := fmt.Fprintf(out, "Usage: %s\n\n%s.\n%s\nExample:\n  %s\n", t.usage(), t.summary, t.help, t.exampleLine())
	return err
}

func (t task) usage() string { return commandLine(t.name, t.args) }

func (t task) exampleLine() string { return commandLine(t.name, t.example) }

// commandLine returns a command as it is typed. CommandName is "app task", or "buffalo
// task".
func commandLine(words ...string) string {
	return strings.TrimSpace(strings.Join(append([]string{grift.CommandName}, words...), " "))
}
