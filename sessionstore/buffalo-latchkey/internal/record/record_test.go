package record_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/record"
)

func write(t *testing.T, root, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func apply(t *testing.T, root string, changes ...install.Change) {
	t.Helper()
	rec, err := record.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Apply(root, "v1.0.0", changes); err != nil {
		t.Fatal(err)
	}
}

// undo undoes everything and returns what it could not undo.
func undo(t *testing.T, root string) []record.Leftover {
	t.Helper()
	rec, err := record.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	reversals, left, err := rec.Undo(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Perform(root, reversals); err != nil {
		t.Fatal(err)
	}
	return left
}

func names(t *testing.T, root string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if name != root {
			all = append(all, strings.TrimPrefix(name, root+string(filepath.Separator)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestUndo_SeveralRuns(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a", "1\r\n2\n3")
	apply(t, root, install.Change{Path: "a", Before: "1\r\n2\n3", After: "1\r\nx\n2\n3", Exists: true}, install.Change{Path: "new/deep/b", After: "b\n"})
	apply(t, root, install.Change{Path: "a", Before: "1\r\nx\n2\n3", After: "1\r\nx\n2\n4\n", Exists: true}, install.Change{Path: "new/deep/b", Before: "b\n", After: "c\n", Exists: true})
	if left := undo(t, root); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
	if got := read(t, root, "a"); got != "1\r\n2\n3" {
		t.Errorf("a is %q", got)
	}
	if got := names(t, root); got != "a" {
		t.Errorf("the folder has %s, want only a", got)
	}
}

func TestUndo_KeepsWhatIsNotOurs(t *testing.T) {
	root := t.TempDir()
	apply(t, root, install.Change{Path: "dir/ours", After: "ours\n"}, install.Change{Path: "edited", After: "one\n"})
	write(t, root, "dir/theirs", "theirs\n")
	write(t, root, "edited", "two\n")
	left := undo(t, root)
	if len(left) != 1 || left[0].Path != "edited" {
		t.Errorf("left: %+v, want the file that was edited", left)
	}
	if got := names(t, root); got != "dir dir/theirs edited" {
		t.Errorf("the folder has %s", got)
	}
}

func TestUndo_MissingFiles(t *testing.T) {
	root := t.TempDir()
	write(t, root, "changed", "1\n")
	apply(t, root, install.Change{Path: "changed", Before: "1\n", After: "2\n", Exists: true}, install.Change{Path: "created", After: "3\n"})
	for _, name := range []string{"changed", "created"} {
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if left := undo(t, root); len(left) != 1 || left[0].Path != "changed" {
		t.Errorf("left: %+v, want only the file that existed before", left)
	}
}

func TestUndo_Secret(t *testing.T) {
	root := t.TempDir()
	const before = "# Move it to OLD_SESSION_SECRET\nSESSION_SECRET=short"
	write(t, root, ".env", before)
	env := install.EnvEdit{Added: []string{"SESSION_SECRET=long\n"}, Renamed: true, Newline: true}
	apply(t, root, install.Change{Path: ".env", Before: before, After: env.Apply(before), Exists: true, Env: &env})
	if got := read(t, root, ".env"); got != "# Move it to OLD_SESSION_SECRET\nOLD_SESSION_SECRET=short\nSESSION_SECRET=long\n" {
		t.Fatalf(".env is %q", got)
	}
	if text := read(t, root, record.Name); strings.Contains(text, "short") || strings.Contains(text, "=long") {
		t.Errorf("the record has a secret:\n%s", text)
	}
	undo(t, root)
	if got := read(t, root, ".env"); got != before {
		t.Errorf(".env is %q, want %q", got, before)
	}
}

// A file cannot be a folder, so the second write fails.
func TestApply_AllOrNothing(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a", "1\n")
	write(t, root, "file", "")
	var rec record.Record
	err := rec.Apply(root, "", []install.Change{
		{Path: "a", Before: "1\n", After: "2\n", Exists: true},
		{Path: "new/b", After: "b\n"},
		{Path: "file/c", After: "c\n"},
	})
	if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("err = %v", err)
	}
	if got := names(t, root); got != "a file" || read(t, root, "a") != "1\n" {
		t.Errorf("the folder has %s, and a is %q", got, read(t, root, "a"))
	}
}

func TestApply_KeepsPermissionsAndLinks(t *testing.T) {
	root := t.TempDir()
	write(t, root, "target", "1\n")
	if err := os.Chmod(filepath.Join(root, "target"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", filepath.Join(root, "link")); err != nil {
		t.Skip(err)
	}
	apply(t, root, install.Change{Path: "link", Before: "1\n", After: "2\n", Exists: true})
	if got := read(t, root, "target"); got != "2\n" {
		t.Errorf("the link's target is %q", got)
	}
	info, err := os.Lstat(filepath.Join(root, "link"))
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Join(root, "target")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the permissions are %v, %v", info.Mode(), err)
	}
}

func TestApply_HidesNewSecretsFromOthers(t *testing.T) {
	root := t.TempDir()
	apply(t, root, install.Change{Path: ".env", After: "SESSION_SECRET=x\n", Env: &install.EnvEdit{}})
	info, err := os.Stat(filepath.Join(root, ".env"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the permissions of .env are %v, %v", info.Mode(), err)
	}
}

func TestRead_Damaged(t *testing.T) {
	root := t.TempDir()
	write(t, root, record.Name, "{")
	if _, err := record.Read(root); err == nil || !strings.Contains(err.Error(), record.Name) {
		t.Errorf("err = %v, want one that names the file", err)
	}
}
