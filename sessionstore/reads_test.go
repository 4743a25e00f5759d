package sessionstore_test

import (
	"fmt"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// failReads makes the next reads of a row fail as PostgreSQL does when
// transactions are serializable. A view that queries the sequence replaces the
// table.
func (s *site) trapReads(t *testing.T, times int) (release func()) {
	t.Helper()
	for _, statement := range []string{
		`CREATE SEQUENCE tries MINVALUE 0`,
		fmt.Sprintf(`CREATE FUNCTION trap() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') < %d THEN RAISE 'trapped' USING ERRCODE = '40001'; END IF;
			RETURN true;
		END $$`, times),
		`ALTER TABLE sessions RENAME TO kept`,
		`CREATE VIEW sessions AS SELECT * FROM kept WHERE trap()`,
	} {
		if err := s.conn.RawQuery(statement).Exec(); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, statement := range []string{
			`DROP VIEW sessions`, `ALTER TABLE kept RENAME TO sessions`, `DROP FUNCTION trap`, `DROP SEQUENCE tries`,
		} {
			s.execute(t, statement)
		}
	}
}

// reads are all operations that read sessions.
var reads = map[string]func(t *testing.T, s *site, cookie string) error{
	"Get": func(t *testing.T, s *site, cookie string) error {
		return s.with(t, cookieName+"="+cookie).visit(t, nil).getErr
	},
	"Find": func(t *testing.T, s *site, cookie string) error {
		_, _, err := s.store.Inspect(t.Context(), sidIn(cookie))
		return err
	},
	"List": func(t *testing.T, s *site, _ string) error {
		_, err := list(t.Context(), s.store, "ada", 10)
		return err
	},
	"Count": func(t *testing.T, s *site, _ string) error {
		_, err := countAll(t.Context(), s.store)
		return err
	},
	"Cleanup": func(t *testing.T, s *site, _ string) error {
		s.clock.advance(idle)
		_, err := s.store.Cleanup(t.Context(), 10)
		return err
	},
}

// A read that conflicts is retried, like a write. Get promises to return no other
// error than ErrUnavailable.
func TestStore_ReadsAgain(t *testing.T) {
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testdb.NewURL(t, testdb.PostgreSQL))
			ada := s.browser(t)
			ada.signIn(t, "ada")
			cookie := ada.cookie(t)
			release := s.trapReads(t, 3)
			if err := read(t, s, cookie); err != nil {
				t.Error(err)
			}
			release()
		})
	}
}
