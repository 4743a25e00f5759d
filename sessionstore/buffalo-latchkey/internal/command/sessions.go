package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
)

// taskProgram runs one task of the app, as "buffalo task" does.
const taskProgram = `// Command runs a task. buffalo-latchkey made it and removes it.
package main

import (
	"log"
	"os"

	"github.com/gobuffalo/grift/grift"

	_ %q
)

func main() {
	c := grift.NewContext(os.Args[1])
	c.Args = os.Args[2:]
	if err := grift.Run(os.Args[1], c); err != nil {
		log.Fatal(err)
	}
}
`

// sessions runs one of the app's tasks for sessions.
func sessions(ctx context.Context, root string, args []string, s Streams) error {
	if len(args) == 0 {
		return errors.New("name a task: sessions list, show, revoke or cleanup")
	}
	switch args[0] {
	case "list", "show", "revoke", "cleanup":
	default:
		return fmt.Errorf("unknown task %q: use sessions list, show, revoke or cleanup", args[0])
	}
	app, err := buffaloapp.Read(root)
	if err != nil {
		return err
	}
	if len(app.Registers()) == 0 {
		return errors.New("this app has no tasks for sessions: run buffalo-latchkey latchkey first")
	}
	args[0] = "sessions:" + args[0]
	return runTask(ctx, app, args, s)
}

// runTask runs a task by a small program inside the app.
func runTask(ctx context.Context, app *buffaloapp.App, args []string, s Streams) (err error) {
	dir, err := os.MkdirTemp(app.Root, ".latchkey-task-")
	if err != nil {
		return fmt.Errorf("make a folder for the task: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source := fmt.Sprintf(taskProgram, app.ImportPath(app.Grifts()))
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		return fmt.Errorf("write the task's program: %w", err)
	}
	dialects, err := app.ReadDialects()
	if err != nil {
		return err
	}
	command := []string{"run"}
	if dialects.Tags != "" {
		command = append(command, "-tags="+dialects.Tags)
	}
	cmd := exec.CommandContext(ctx, "go", append(append(command, "./"+filepath.Base(dir)), args...)...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = app.Root, s.In, s.Out, s.Err
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("task %s: %w", args[0], err)
	}
	return nil
}
