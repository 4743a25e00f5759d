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

var (
	ownTable  = regexp.MustCompile(`(?i)create_table\(\s*"sessions"|create\s+table\s+(if\s+not\s+exists\s+)?(["` + "`" + `]?\w+["` + "`" + `]?\.)?["` + "`" + `]?sessions\b`)
	fizzFile  = regexp.MustCompile(`^([0-9]+)_(.+)\.(up|down)\.fizz$`)
	timestamp = "20060102150405"
)

// addMigrations copies the migrations that the app does not have yet.
func (p *planner) addMigrations() error {
	have, err := p.app.Migrations()
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
	p.SQLite = dialects.SQLite
	names, err := fs.Glob(migrations.FS, "*.up.fizz")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	at := p.opts.Now.UTC()
	for _, name := range names {
		source := strings.TrimSuffix(name, ".up.fizz")
		if added(have, source) {
			continue
		}
		if err := p.addMigration(source, at, dialects.Shared); err != nil {
			return err
		}
		at = at.Add(time.Second)
	}
	return nil
}

func (p *planner) addMigration(source string, at time.Time, dialect string) error {
	match := fizzFile.FindStringSubmatch(source + ".up.fizz")
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
		name := fmt.Sprintf("%s_%s.%s.fizz", at.Format(timestamp), match[2], direction)
		p.create(path.Join("migrations", name), markerOf(source)+"\n"+fizz)
	}
	p.Next = append(p.Next, "buffalo pop migrate    # creates the table sessions")
	return nil
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

func added(have []buffaloapp.Migration, source string) bool {
	for _, m := range have {
		first, _, _ := strings.Cut(m.Text, "\n")
		if strings.TrimSpace(first) == markerOf(source) || source == "1_create_sessions" && isCopy(m.Text) {
			return true
		}
	}
	return false
}

// isCopy reports whether a migration was copied from the store by hand.
func isCopy(text string) bool {
	return ownTable.MatchString(text) && strings.Contains(text, "secret_hash") && strings.Contains(text, "last_seen_at")
}

// refuseOwnTable stops if the app has a table sessions for something else.
func refuseOwnTable(have []buffaloapp.Migration) error {
	for _, m := range have {
		if ownTable.MatchString(m.Text) && !strings.HasPrefix(m.Text, marker) && !isCopy(m.Text) {
			return fmt.Errorf("%s creates a table named sessions: the store needs that name, so rename your table first (a migration with rename_table, and its model), then run the command again", m.Path)
		}
	}
	return nil
}
