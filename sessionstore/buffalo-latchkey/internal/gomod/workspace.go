package gomod

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A workspace is a folder with copies of go.mod and go.sum, named before, after and
// so on, and of the Go files that are about to change.
type workspace struct {
	ctx      context.Context
	app      App
	dir      string
	mod, sum string
}

func newWorkspace(ctx context.Context, app App) (*workspace, error) {
	dir, err := os.MkdirTemp("", "latchkey-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	w := &workspace{ctx: ctx, app: app, dir: dir}
	if err := errors.Join(w.fill(), w.writeOverlay()); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return w, nil
}

func (w *workspace) fill() error {
	mod, err := os.ReadFile(filepath.Join(w.app.Root, "go.mod"))
	if err != nil {
		return fmt.Errorf("read the requirements: %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(w.app.Root, "go.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the checksums: %w", err)
	}
	w.mod, w.sum = string(mod), string(sum)
	return errors.Join(w.write("before", w.mod, w.sum), w.write("after", w.mod, w.sum))
}

// writeOverlay has the go command read the changed Go files in place of those in the
// app; see "go help build" on -overlay.
func (w *workspace) writeOverlay() error {
	replace := map[string]string{}
	for name, text := range w.app.Files {
		original, err := filepath.Abs(filepath.Join(w.app.Root, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		replace[original] = filepath.Join(w.dir, fmt.Sprintf("overlay%d.go", len(replace)))
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.overlay(), text, 0o600); err != nil {
		return fmt.Errorf("list the changed files: %w", err)
	}
	return nil
}

func (w *workspace) overlay() string { return filepath.Join(w.dir, "overlay.json") }

func (w *workspace) write(name, mod, sum string) error {
	if err := os.WriteFile(w.file(name), []byte(mod), 0o600); err != nil {
		return fmt.Errorf("copy go.mod: %w", err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, name+".sum"), []byte(sum), 0o600); err != nil {
		return fmt.Errorf("copy go.sum: %w", err)
	}
	return nil
}

func (w *workspace) file(name string) string { return filepath.Join(w.dir, name+".mod") }

func (w *workspace) read(name string) (mod, sum string, err error) {
	m, err := os.ReadFile(w.file(name))
	if err != nil {
		return "", "", fmt.Errorf("read the new go.mod: %w", err)
	}
	s, err := os.ReadFile(filepath.Join(w.dir, name+".sum"))
	if err != nil {
		return "", "", fmt.Errorf("read the new go.sum: %w", err)
	}
	return string(m), string(s), nil
}

// run runs the go command in the app.
func (w *workspace) run(args ...string) (string, error) {
	cmd := exec.CommandContext(w.ctx, "go", args...)
	cmd.Dir = w.app.Root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, tail(stderr.String()))
	}
	return stdout.String(), nil
}

// tail is the end of a long output, where go writes the cause.
func tail(text string) string {
	const lines = 15
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
