package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

// Apply writes all changes and adds them to the record, or changes nothing.
func (r *Record) Apply(root, version string, changes []install.Change) error {
	run := Run{Version: version, Dirs: missingDirs(root, changes)}
	var writes []write
	for _, c := range changes {
		run.Files = append(run.Files, of(c))
		writes = append(writes, write{path: c.Path, text: c.After, secret: c.Env != nil})
	}
	r.Runs = append(r.Runs, run)
	text, err := r.text()
	if err != nil {
		return err
	}
	if err := perform(root, append(writes, write{path: Name, text: text})); err != nil {
		removeDirs(root, run.Dirs)
		return err
	}
	return nil
}

// missingDirs returns the folders that the changes make, the innermost first.
func missingDirs(root string, changes []install.Change) []string {
	var missing []string
	seen := map[string]bool{}
	for _, c := range changes {
		for dir := path.Dir(c.Path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			if _, err := os.Stat(inRoot(root, dir)); err == nil {
				break
			}
			missing = append(missing, dir)
		}
	}
	return missing
}

func inRoot(root, name string) string { return filepath.Join(root, filepath.FromSlash(name)) }

// A write gives a file a new text, or removes it.
type write struct {
	path   string
	text   string
	remove bool
	secret bool // only its owner may read it, if it is new
}

// perform does all writes. If one fails, it takes those before it back.
func perform(root string, writes []write) error {
	var done []saved
	for _, w := range writes {
		old, err := save(inRoot(root, w.path))
		if err == nil {
			err = w.do(root)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("write %s: %w: nothing was changed", w.path, err), restore(done))
		}
		done = append(done, old)
	}
	return nil
}

func (w write) do(root string) error {
	name := inRoot(root, w.path)
	if w.remove {
		return os.Remove(name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if w.secret {
		mode = 0o600
	}
	return replaceFile(name, []byte(w.text), mode)
}

// saved is a file as it was.
type saved struct {
	name   string
	text   []byte
	exists bool
	mode   fs.FileMode
}

func save(name string) (saved, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return saved{name: name}, nil
	}
	if err != nil {
		return saved{}, err
	}
	text, err := os.ReadFile(name)
	return saved{name, text, true, info.Mode().Perm()}, err
}

func restore(done []saved) error {
	var errs []error
	for _, s := range done {
		if s.exists {
			errs = append(errs, replaceFile(s.name, s.text, s.mode))
		} else {
			errs = append(errs, os.Remove(s.name))
		}
	}
	return errors.Join(errs...)
}

// removeDirs removes the folders that are empty.
func removeDirs(root string, dirs []string) {
	for _, dir := range dirs {
		_ = os.Remove(inRoot(root, dir))
	}
}

// replaceFile writes a file beside the old one and renames it, so that it is
// never half written. It keeps the permissions of the old one.
func replaceFile(name string, text []byte, mode fs.FileMode) error {
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	temporary := name + ".latchkey-tmp"
	if err := os.WriteFile(temporary, text, mode); err != nil {
		return err
	}
	if err := os.Chmod(temporary, mode); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, name); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}
