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

// ownIndexes are what the app has beside the store's indexes, for the filters of its
// lists; see the documentation of Store.List.
var ownIndexes = []string{"auth_method, created_at", "ip, created_at"}

// The queries that describe the table, one line for each column and for each index.
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

	// indexName is what differs for an index whose column was renamed.
	indexName = regexp.MustCompile(`INDEX \S+ ON`)
)

// The app's migrations have grown, and the store's are written for new programs. Both
// must lead to the same table.
func TestSessionsTable(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, url string) {
		ofApp, ofStore := appdb.Open(t, url), appdb.Open(t, testdb.NewURL(t, engineOf(t)))
		if _, err := schema.Up(t.Context(), ofApp); err != nil {
			t.Fatal(err)
		}
		if err := migrations.Up(ofStore); err != nil {
			t.Fatal(err)
		}
		compare(t, "columns", describe(t, ofApp, columnsOf), describe(t, ofStore, columnsOf))
		indexes := describe(t, ofApp, indexesOf)
		for _, own := range ownIndexes {
			before := len(indexes)
			indexes = slices.DeleteFunc(indexes, func(index string) bool { return strings.Contains(index, "("+own+")") })
			if len(indexes) != before-1 {
				t.Errorf("the app has no index on %s", own)
			}
		}
		compare(t, "indexes", indexes, describe(t, ofStore, indexesOf))
	})
}

// engineOf is the engine of a test that onEveryEngine runs.
func engineOf(t *testing.T) testdb.Engine {
	_, name, _ := strings.Cut(t.Name(), "/")
	return testdb.Engine(name)
}

// describe returns the lines of a query in order, without the names of indexes.
func describe(t *testing.T, conn *pop.Connection, queries map[string]string) []string {
	t.Helper()
	var lines []string
	if err := conn.Store.Select(&lines, queries[conn.Dialect.Name()]); err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		t.Fatal("the database describes nothing")
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
