package buffaloapp

import (
	"fmt"
	"strings"

	"github.com/gobuffalo/pop/v6"
)

// Dialects are the databases that database.yml names.
type Dialects struct {
	// Shared is the dialect of all environments, or nothing if they differ or one
	// of them is not known.
	Shared string
	// Tags are the build tags that they need: Pop leaves SQLite out without one.
	Tags string
}

// databaseFiles are where Pop looks for the settings.
var databaseFiles = []string{"database.yml", "config/database.yml"}

// ReadDialects reads database.yml. An app without one connects in its own code.
func (a *App) ReadDialects() (Dialects, error) {
	for _, name := range databaseFiles {
		text, exists, err := a.ReadFile(name)
		if err != nil {
			return Dialects{}, fmt.Errorf("read the databases: %w", err)
		}
		if !exists {
			continue
		}
		environments, err := pop.ParseConfig(strings.NewReader(text))
		if err != nil {
			return Dialects{}, fmt.Errorf("%s cannot be read: %w: fix it first", name, err)
		}
		return summarize(environments), nil
	}
	return Dialects{}, nil
}

func summarize(environments map[string]*pop.ConnectionDetails) Dialects {
	var result Dialects
	seen := map[string]bool{}
	for _, details := range environments {
		if details == nil {
			continue
		}
		dialect := dialectOf(details)
		seen[dialect] = true
		if dialect == "sqlite3" {
			result.Tags = "sqlite"
		}
		result.Shared = dialect
	}
	if len(seen) != 1 {
		result.Shared = ""
	}
	return result
}

var dialectNames = map[string]string{
	"sqlite3": "sqlite3", "sqlite": "sqlite3",
	"postgres": "postgres", "postgresql": "postgres", "pg": "postgres",
	"mysql": "mysql", "mariadb": "mariadb",
	"cockroach": "cockroach", "cockroachdb": "cockroach", "crdb": "cockroach",
}

func dialectOf(details *pop.ConnectionDetails) string {
	name := details.Dialect
	if name == "" {
		name, _, _ = strings.Cut(details.URL, "://")
	}
	return dialectNames[strings.ToLower(strings.TrimSpace(name))]
}
