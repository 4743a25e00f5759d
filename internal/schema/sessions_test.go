package schema_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/sessionstore/migrations"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// ownIndexes are the app's additional indexes, for the filters of its lists. See the
// documentation of Store.List.
var ownIndexes = []string{"auth_method, created_at", "ip, created_at"}

// These queries describe the table, with one row for each column or index.
var (
	columnsOf = map[string]string{
		"sqlite3": `SELECT name || ' ' || type || ' ' || "notnull" || ' ' || COALESCE(dflt_value, 'NULL') || ' ' || pk FROM pragma_table_info('sessions')`,
		"postgres": `SELECT column_name || ' ' || udt_name || ' ' || COALESCE(CAST(character_maximum_length AS text), '-') || ' ' ||
			COALESCE(CAST(datetime_precision AS text), '-') || ' ' || is_nullable || ' ' || COALESCE(column_default, 'NULL')
			FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'sessions'`,
		"mysql": `SELECT CONCAT_WS(' ', column_name, column_type, is_nullable, COALESCE(column_default, 'NULL'), COALESCE(collation_name, '-'))
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'sessions'`,
	}
	indexesOf = map[string]string{
		"sqlite3":  `SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sessions' AND sql IS NOT NULL`,
		"postgres": `SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'sessions'`,
		"mysql": `SELECT CONCAT('INDEX ', index_name, ' ON sessions (', GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', '), ') ', MAX(non_unique))
			FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'sessions' GROUP BY index_name`,
	}

	// indexName matches the name of an index, which differs if its column was renamed.
	indexName = regexp.MustCompile(`INDEX \S+ ON`)
)

// TestSessionsTable checks that the app's migrations, with all their changes, create the
// same table as the store's.
func TestSessionsTable(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, url string) {
		app, store := appdb.Open(t, url), appdb.Open(t, testdb.NewURL(t, engineOf(t)))
		if _, err := schema.Up(t.Context(), app); err != nil {
			t.Fatal(err)
		}
		if err := migrations.Up(store); err != nil {
			t.Fatal(err)
		}
		compare(t, "columns", describe(t, app, columnsOf), describe(t, store, columnsOf))
		indexes := describe(t, app, indexesOf)
		for _, own := range ownIndexes {
			before := len(indexes)
			indexes = slices.DeleteFunc(indexes, func(index string) bool { return strings.Contains(index, "("+own+")") })
			if len(indexes) != before-1 {
				t.Errorf("the app has no index on %s", own)
			}
		}
		compare(t, "indexes", indexes, describe(t, store, indexesOf))
	})
}

// engineOf returns the engine of a subtest of onEveryEngine.
func engineOf(t *testing.T) testdb.Engine {
	_, name, _ := strings.Cut(t.Name(), "/")
	return testdb.Engine(name)
}

// describe returns the rows of a query, sorted and without the names of indexes.
func describe(t *testing.T, conn *pop.Connection, queries map[string]string) []string {
	t.Helper()
	var lines []string
	if err := conn.Store.Select(&lines, queries[conn.Dialect.Name()]); err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		t.Fatal("no rows")
	}
	for i, line := range lines {
		line = strings.NewReplacer(`"`, "", "`", "").Replace(line)
		lines[i] = indexName.ReplaceAllString(line, "INDEX ON")
	}
	slices.Sort(lines)
	return lines
}

func compare(t *testing.T, what string, app, store []string) {
	t.Helper()
	if !slices.Equal(app, store) {
		t.Errorf("%s of the app's migrations:\n%s\nand of the store's:\n%s", what, strings.Join(app, "\n"), strings.Join(store, "\n"))
	}
}
