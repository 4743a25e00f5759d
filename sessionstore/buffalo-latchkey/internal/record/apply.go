package record

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

// Apply writes all changes, or none: if one cannot be written, it restores those
// before it. It returns the folders that it made.
func Apply(root string, changes []install.Change) (dirs []string, err error) {
	for i, c := range changes {
		made, err := write(root, c)
		dirs = append(dirs, made...)
		if err != nil {
			restore := undoWrites(root, changes[:i], dirs)
			return nil, errors.Join(fmt.Errorf("write %s: %w: nothing was changed", c.Path, err), restore)
		}
	}
	return dirs, nil
}

func undoWrites(root string, changes []install.Change, dirs []string) error {
	var errs []error
	for _, c := range changes {
		name := filepath.Join(root, filepath.FromSlash(c.Path))
		if c.Exists {
			errs = append(errs, replaceFile(name, c.Before, modeOf(c)))
		} else {
			errs = append(errs, os.Remove(name))
		}
	}
	removeDirs(root, dirs)
	return errors.Join(errs...)
}

func write(root string, c install.Change) (made []string, err error) {
	name := filepath.Join(root, filepath.FromSlash(c.Path))
	if !c.Exists {
		if made, err = makeDirs(root, path.Dir(c.Path)); err != nil {
			return made, err
		}
	}
	return made, replaceFile(name, c.After, modeOf(c))
}

// makeDirs makes a folder and returns those that did not exist, the innermost
// first.
func makeDirs(root, dir string) ([]string, error) {
	var made []string
	for d := dir; d != "."; d = path.Dir(d) {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(d))); err == nil {
			break
		}
		made = append(made, d)
	}
	return made, os.MkdirAll(filepath.Join(root, filepath.FromSlash(dir)), 0o755)
}

// removeDirs removes the folders that are empty.
func removeDirs(root string, dirs []string) {
	for _, d := range dirs {
		_ = os.Remove(filepath.Join(root, filepath.FromSlash(d)))
	}
}

// replaceFile writes a file beside the old one and renames it, so that it is
// never half written. It keeps the permissions of the old one.
func replaceFile(name, text string, mode os.FileMode) error {
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	temporary := name + ".latchkey-tmp"
	if err := os.WriteFile(temporary, []byte(text), mode); err != nil {
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

// modeOf are the permissions of a new file. Only its owner may read a secret.
func modeOf(c install.Change) os.FileMode {
	if c.Env != nil {
		return 0o600
	}
	return 0o644
}
