package buffaloapp

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// A Migration is a file of the app that changes the database, or Pop's dump of it,
// schema.sql.
type Migration struct{ Path, Text string }

var upFile = regexp.MustCompile(`^[0-9]+_.+\.up\.(fizz|sql)$`)

// MigrationsDir is the folder of the app's migrations: "migrations", or else the
// first folder that has any.
func (a *App) MigrationsDir() (string, error) {
	const usual = "migrations"
	if a.Exists(usual) {
		return usual, nil
	}
	found := ""
	err := filepath.WalkDir(a.Root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || found != "" {
			return err
		}
		if entry.IsDir() && name != a.Root && a.skip(name, entry.Name()) {
			return filepath.SkipDir
		}
		if !entry.IsDir() && upFile.MatchString(entry.Name()) {
			found, err = filepath.Rel(a.Root, filepath.Dir(name))
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("look for migrations: %w", err)
	}
	if found == "" {
		return usual, nil
	}
	return filepath.ToSlash(found), nil
}

// Migrations returns the migrations in a folder that lead up, in their order, and
// then schema.sql.
func (a *App) Migrations(dir string) ([]Migration, error) {
	names, err := a.list(dir)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var found []Migration
	for _, name := range names {
		base := path.Base(name)
		if !upFile.MatchString(base) && base != "schema.sql" {
			continue
		}
		text, _, err := a.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		found = append(found, Migration{name, text})
	}
	sort.SliceStable(found, func(i, j int) bool { return before(found[i].Path, found[j].Path) })
	return found, nil
}

// before compares migrations by their numbers. schema.sql has none and is last.
func before(a, b string) bool {
	aNumber, bNumber := number(a), number(b)
	if aNumber == "" || bNumber == "" {
		return bNumber == "" && aNumber != ""
	}
	if len(aNumber) != len(bNumber) {
		return len(aNumber) < len(bNumber)
	}
	return aNumber < bNumber
}

// number is what the name of a file begins with, without leading zeros.
func number(name string) string {
	base := path.Base(name)
	digits := len(base) - len(strings.TrimLeft(base, "0123456789"))
	return strings.TrimLeft(base[:digits], "0")
}
