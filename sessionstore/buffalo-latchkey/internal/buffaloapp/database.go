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
	SQLite bool
}

// ReadDialects reads database.yml. An app without one connects in its own code.
func (a *App) ReadDialects() (Dialects, error) {
	text, exists, err := a.ReadFile("database.yml")
	if err != nil {
		return Dialects{}, fmt.Errorf("read database.yml: %w", err)
	}
	if !exists {
		return Dialects{}, nil
	}
	environments, err := pop.ParseConfig(strings.NewReader(text))
	if err != nil {
		return Dialects{}, fmt.Errorf("read database.yml: %w: mend it first", err)
	}
	return summarize(environments), nil
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
		result.SQLite = result.SQLite || dialect == "sqlite3"
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
