package install

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/migrations"
)

// marker is in the first line of a migration that this command wrote. It is a
// comment of the template, so it is the same with and without a dialect.
const marker = "{{/* Added by buffalo-latchkey: "

func markerOf(source string) string { return marker + source + " */}}" }

const timestamp = "20060102150405"

var sourceName = regexp.MustCompile(`^[0-9]+_(.+)$`)

// addMigrations copies the migrations that the app does not have yet.
func (p *planner) addMigrations() error {
	dir, err := p.app.MigrationsDir()
	if err != nil {
		return err
	}
	have, err := p.app.Migrations(dir)
	if err != nil {
		return err
	}
	if err := refuseOwnTable(have); err != nil {
		return err
	}
	dialects, err := p.app.ReadDialects()
	if err != nil {
		return err
	}
	p.Tags = dialects.Tags
	sources, err := missing(have)
	if err != nil {
		return err
	}
	at := p.opts.Now.UTC()
	for _, source := range sources {
		if err := p.addMigration(dir, source, at, dialects.Shared); err != nil {
			return err
		}
		at = at.Add(time.Second)
	}
	if len(sources) > 0 {
		p.noteModel(have)
		p.nextMigrate(dir)
	}
	return nil
}

// missing returns the store's migrations that the app does not have, without the
// endings of their names.
func missing(have []buffaloapp.Migration) ([]string, error) {
	names, err := fs.Glob(migrations.FS, "*.up.fizz")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var sources []string
	for _, name := range names {
		if source := strings.TrimSuffix(name, ".up.fizz"); !added(have, source) {
			sources = append(sources, source)
		}
	}
	return sources, nil
}

func (p *planner) addMigration(dir, source string, at time.Time, dialect string) error {
	match := sourceName.FindStringSubmatch(source)
	if match == nil {
		return fmt.Errorf("migration %s: the name must be like 1_create_sessions", source)
	}
	for _, direction := range []string{"up", "down"} {
		text, err := fs.ReadFile(migrations.FS, source+"."+direction+".fizz")
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		fizz, err := render(string(text), dialect)
		if err != nil {
			return fmt.Errorf("migration %s: %w", source, err)
		}
		name := fmt.Sprintf("%s_%s.%s.fizz", at.Format(timestamp), match[1], direction)
		p.create(path.Join(dir, name), markerOf(source)+"\n"+fizz)
	}
	return nil
}

func (p *planner) nextMigrate(dir string) {
	command := "buffalo pop migrate"
	if dir != "migrations" {
		command += " -p " + dir
	}
	p.Next = append(p.Next, command+"    # creates or updates the table sessions")
}

// render fills in the dialect. Without one the migration stays a template, which
// Pop fills in.
func render(text, dialect string) (string, error) {
	if dialect == "" {
		return text, nil
	}
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, struct{ Dialect string }{dialect}); err != nil {
		return "", err
	}
	return strings.TrimLeft(out.String(), "\n"), nil
}

// firstSource is the migration that creates the table.
const firstSource = "1_create_sessions"

func added(have []buffaloapp.Migration, source string) bool {
	for _, m := range have {
		first, _, _ := strings.Cut(m.Text, "\n")
		if strings.TrimSpace(first) == markerOf(source) || source == firstSource && isCopy(m.Text) {
			return true
		}
	}
	return false
}
