package install_test

import (
	"strings"
	"testing"
)

func TestMake_Migrations(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no folder", nil, "migrations/20260301120000_create_sessions.up.fizz"},
		{"SQL", map[string]string{"migrations/1_users.up.sql": "CREATE TABLE users (id int);"}, "migrations/20260301120000_create_sessions.up.fizz"},
		{"another folder", map[string]string{"db/migrations/1_users.up.fizz": "sql(\"\")"}, "db/migrations/20260301120000_create_sessions.up.fizz"},
		{"copied by hand", map[string]string{"migrations/1_s.up.fizz": "create_table(\"sessions\") {\n\tt.Column(\"secret_hash\", \"string\")\n\tt.Column(\"last_seen_at\", \"timestamp\")\n}"}, ""},
		{"added before", map[string]string{"migrations/1_s.up.fizz": "{{/* Added by buffalo-latchkey: 1_create_sessions */}}\r\ncreate_table(\"sessions\") {}"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := edit(t)
			for name, text := range test.files {
				files[name] = text
			}
			got := ""
			for _, c := range mustPlan(t, files, options()).Changes {
				if strings.HasSuffix(c.Path, ".up.fizz") {
					got = c.Path
				}
			}
			if got != test.want {
				t.Errorf("the migration is %q, want %q", got, test.want)
			}
		})
	}
}

func TestMake_MigratesInTheFolder(t *testing.T) {
	files := edit(t)
	files["db/migrations/1_users.up.fizz"] = "sql(\"\")"
	if next := strings.Join(mustPlan(t, files, options()).Next, "\n"); !strings.Contains(next, "buffalo pop migrate -p db/migrations") {
		t.Errorf("the next steps do not name the folder:\n%s", next)
	}
}

func TestMake_RefusesOwnTable(t *testing.T) {
	for _, text := range []string{
		`create_table("sessions") {}`,
		"CREATE TABLE sessions (id int);",
		"create table if not exists `sessions` (id int);",
		"CREATE TABLE public.sessions (id int);",
		`CREATE TABLE "public"."sessions" (id int);`,
		`rename_table("visits", "sessions")`,
		"ALTER TABLE visits RENAME TO sessions;",
	} {
		files := edit(t)
		files["migrations/1_a.up.sql"] = text
		if _, err := plan(t, write(t, files), options()); err == nil || !strings.Contains(err.Error(), "migrations/1_a.up.sql") {
			t.Errorf("%s: err = %v, want one with the file", text, err)
		}
	}
}

func TestMake_AcceptsRenamedTable(t *testing.T) {
	for _, text := range []string{
		`rename_table("sessions", "visits")`,
		`drop_table("sessions")`,
		"ALTER TABLE sessions RENAME TO visits;",
		`DROP TABLE IF EXISTS "sessions";`,
	} {
		files := edit(t)
		files["migrations/9_a.up.fizz"] = `create_table("sessions") {}`
		files["migrations/9_a.down.fizz"] = `drop_table("sessions")`
		files["migrations/10_b.up.sql"] = text
		if _, err := plan(t, write(t, files), options()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMake_NotesSessionModel(t *testing.T) {
	const model = "package models\n\ntype Session struct {\n\tID int `db:\"id\"`\n}\n"
	tests := []struct {
		name, text string
		want       bool
	}{
		{"model", model, true},
		{"another table", model + "\nfunc (s *Session) TableName() string { return \"visits\" }\n", false},
		{"not a model", "package models\n\ntype Session struct{ Name string }\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := edit(t)
			files["models/session.go"] = test.text
			notes := strings.Join(mustPlan(t, files, options()).Notes, "\n")
			if got := strings.Contains(notes, "models/session.go:3"); got != test.want {
				t.Errorf("the model is noted: %v, want %v:\n%s", got, test.want, notes)
			}
		})
	}
}

func TestMake_DatabasesInConfig(t *testing.T) {
	files := edit(t)
	files["config/database.yml"] = files["database.yml"]
	delete(files, "database.yml")
	if p := mustPlan(t, files, options()); p.Tags != "sqlite" {
		t.Errorf("the build tags are %q, want sqlite", p.Tags)
	}
}
