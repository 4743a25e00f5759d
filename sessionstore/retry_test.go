package sessionstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// The triggers count writes in a way that survives a rollback: with a sequence
// or, on SQLite, with what RAISE(FAIL) leaves behind.
var traps = map[testdb.Engine][]string{
	testdb.PostgreSQL: {
		`CREATE SEQUENCE tries MINVALUE 0`,
		`CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') < %[2]d THEN RAISE 'trapped' USING ERRCODE = '%[1]s'; END IF;
			IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
			RETURN NEW;
		END $$`,
		`CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION trap()`,
	},
	testdb.MariaDB: {
		`CREATE SEQUENCE tries MINVALUE 0 START WITH 0 NOCACHE`,
		mariaTrap("INSERT"), mariaTrap("UPDATE"), mariaTrap("DELETE"),
	},
	testdb.SQLite: {
		`CREATE TABLE tries (n)`,
		liteTrap("INSERT"), liteTrap("UPDATE"), liteTrap("DELETE"),
	},
}

func liteTrap(verb string) string {
	return `CREATE TRIGGER trap_` + verb + ` BEFORE ` + verb + ` ON sessions BEGIN
		INSERT INTO tries VALUES (1);
		SELECT RAISE(FAIL, 'trapped: %[1]s') WHERE (SELECT COUNT(*) FROM tries) <= %[2]d;
	END`
}

func mariaTrap(verb string) string {
	return `CREATE TRIGGER trap_` + verb + ` BEFORE ` + verb + ` ON sessions FOR EACH ROW
		IF NEXTVAL(tries) < %[2]d THEN
			SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = %[1]s, MESSAGE_TEXT = 'trapped';
		END IF`
}

var untrap = map[testdb.Engine][]string{
	testdb.PostgreSQL: {`DROP TRIGGER trap ON sessions`, `DROP FUNCTION trap`, `DROP SEQUENCE tries`},
	testdb.MariaDB:    {`DROP TRIGGER trap_INSERT`, `DROP TRIGGER trap_UPDATE`, `DROP TRIGGER trap_DELETE`, `DROP SEQUENCE tries`},
	testdb.SQLite:     {`DROP TRIGGER trap_INSERT`, `DROP TRIGGER trap_UPDATE`, `DROP TRIGGER trap_DELETE`, `DROP TABLE tries`},
}

var countTries = map[testdb.Engine]string{
	testdb.PostgreSQL: `SELECT nextval('tries')`,
	testdb.MariaDB:    `SELECT NEXTVAL(tries)`,
	testdb.SQLite:     `SELECT COUNT(*) FROM tries`,
}

// failWrites makes the next writes of sessions fail with a database error.
// release returns how many writes were tried, and removes the triggers.
func (s *site) trap(t *testing.T, f failure, times int) (release func() int) {
	t.Helper()
	for _, statement := range traps[f.engine] {
		if strings.Contains(statement, "%[1]s") {
			statement = fmt.Sprintf(statement, f.code, times)
		}
		if err := s.conn.RawQuery(statement).Exec(); err != nil {
			t.Fatal(err)
		}
	}
	return func() (tries int) {
		t.Helper()
		if err := s.conn.Store.Get(&tries, countTries[f.engine]); err != nil {
			t.Fatal(err)
		}
		for _, statement := range untrap[f.engine] {
			s.execute(t, statement)
		}
		return tries
	}
}

// A failure is the error code or message of an engine.
type failure struct {
	engine testdb.Engine
	code   string
}

func onFailures(t *testing.T, test func(t *testing.T, s *site, f failure), failures ...failure) {
	for _, f := range failures {
		t.Run(string(f.engine)+f.code, func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, testdb.NewURL(t, f.engine)), f)
		})
	}
}

// Errors that databases return when a statement conflicts with another one.
var isRetryable = append(gaveWayOnServers, failure{testdb.SQLite, "database is locked"})

// SQLite is left out because its count does not survive a rollback.
var gaveWayOnServers = []failure{
	{testdb.PostgreSQL, "40001"}, {testdb.PostgreSQL, "40P01"}, {testdb.MariaDB, "1213"},
}

// inTransaction names the one write that uses a transaction of the store's own.
// SQLite's count does not survive its rollback.
const inTransaction = "Renewal"

// writes are all operations that write a session. ada is signed in to it.
var writes = map[string]func(t *testing.T, s *site, ada *browser) error{
	"Change": func(t *testing.T, _ *site, ada *browser) error {
		return ada.visit(t, func(session *sessions.Session) { session.Values["cart"] = 4 }).saveErr
	},
	"Insert": func(t *testing.T, s *site, _ *browser) error { return s.browser(t).visit(t, signInAs("bob")).saveErr },
	"SignIn": func(t *testing.T, _ *site, ada *browser) error { return ada.visit(t, signInAs("bob")).saveErr },
	inTransaction: func(t *testing.T, s *site, ada *browser) error {
		return ada.on(s.renewing(t)).visit(t, func(session *sessions.Session) { session.Values["cart"] = 4 }).saveErr
	},
	"SignOut": func(t *testing.T, _ *site, ada *browser) error { return ada.visit(t, signOut).saveErr },
	"Revoke": func(t *testing.T, s *site, ada *browser) error {
		return revokeOne(t.Context(), s.store, "ada", s.row(t, ada.cookie(t)).SID)
	},
	"RevokeAll": func(t *testing.T, s *site, _ *browser) error {
		_, err := s.store.RevokeAll(t.Context())
		return err
	},
	"Cleanup": func(t *testing.T, s *site, _ *browser) error {
		s.clock.advance(idle)
		_, err := s.store.Cleanup(t.Context(), 10)
		return err
	},
}

// renewing returns the site with a renewal due on every request.
func (s *site) renewing(t *testing.T) *site {
	t.Helper()
	return s.instance(t, func(o *sessionstore.Options) { o.RenewAfter = 1 })
}

// A write that conflicts is retried, and the caller does not notice.
func TestStore_TriesAgain(t *testing.T) {
	onFailures(t, func(t *testing.T, s *site, f failure) {
		onEveryWrite(t, s, f, func(name string, before storedRow, write func() error) {
			release := s.trap(t, f, 3)
			if err := write(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if tries := release(); tries < 4 {
				t.Errorf("%s: %d tries, want 3 that failed and one", name, tries)
			}
			s.wantWritten(t, name, before)
		})
	}, isRetryable...)
}

// onEveryWrite runs the test for each write, on a table with a single session.
func onEveryWrite(t *testing.T, s *site, f failure, test func(name string, before storedRow, write func() error)) {
	t.Helper()
	for name, write := range writes {
		if f.engine == testdb.SQLite && name == inTransaction {
			continue
		}
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.clock.advance(time.Second)
		test(name, s.row(t, ada.cookie(t)), func() error { return write(t, s, ada) })
		s.execute(t, "DELETE FROM sessions")
	}
}

// wantWritten checks that the table has changed.
func (s *site) wantWritten(t *testing.T, doing string, before storedRow) {
	t.Helper()
	var same int
	query := "SELECT COUNT(*) FROM sessions WHERE sid = ? AND version = ?"
	if err := s.conn.Store.Get(&same, s.conn.Dialect.TranslateSQL(query), before.SID, before.Version); err != nil {
		t.Fatal(err)
	}
	if n := s.countRows(t); n == 1 && same == 1 {
		t.Errorf("%s: nothing was written", doing)
	}
}

// If every retry fails, the write returns ErrConflict and the row is unchanged.
// On SQLite, another program holds the lock all that time.
func TestStore_TriesAgainInVain(t *testing.T) {
	onFailures(t, func(t *testing.T, s *site, f failure) {
		onEveryWrite(t, s, f, func(name string, before storedRow, write func() error) {
			release := s.trap(t, f, 1000)
			err := write()
			want, other := sessionstore.ErrConflict, sessionstore.ErrUnavailable
			if f.engine == testdb.SQLite {
				want, other = other, want
			}
			if !errors.Is(err, want) || errors.Is(err, other) || !strings.Contains(err.Error(), "trapped") {
				t.Errorf("%s: %v; want %v and its cause", name, err, want)
			}
			if tries := release(); tries < 4 {
				t.Errorf("%s: %d tries", name, tries)
			}
			s.wantUnchanged(t, before)
			s.wantRows(t, 1)
		})
	}, isRetryable...)
}

// Other errors would only happen again.
func TestStore_TriesOnce(t *testing.T) {
	onFailures(t, func(t *testing.T, s *site, f failure) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		before := s.row(t, ada.cookie(t))
		release := s.trap(t, f, 1000)
		v := ada.visit(t, func(session *sessions.Session) { session.Values["cart"] = 4 })
		if !errors.Is(v.saveErr, sessionstore.ErrUnavailable) || errors.Is(v.saveErr, sessionstore.ErrConflict) {
			t.Errorf("Save: %v; want ErrUnavailable", v.saveErr)
		}
		if tries := release(); tries != 1 {
			t.Errorf("%d tries, want 1", tries)
		}
		s.wantUnchanged(t, before)
	}, failure{testdb.SQLite, "constraint"},
		failure{testdb.PostgreSQL, "P0001"}, failure{testdb.PostgreSQL, "23505"}, failure{testdb.PostgreSQL, "40000"},
		failure{testdb.MariaDB, "1644"}, failure{testdb.MariaDB, "1062"})
}

// Nothing can be retried in the caller's transaction: the database has aborted
// it, or soon would. SQLite's count would be rolled back.
func TestStore_TriesOnceInATransaction(t *testing.T) {
	onFailures(t, func(t *testing.T, s *site, f failure) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		before := s.row(t, ada.cookie(t))
		release := s.trap(t, f, 1000)
		r := newRequest(t)
		r.Header.Set("Cookie", cookieName+"="+ada.cookie(t))
		var saveErr error
		err := s.conn.Transaction(func(tx *pop.Connection) error {
			if err := sessionstore.InTransaction(r, tx); err != nil {
				return err
			}
			session, err := s.store.Get(r, cookieName)
			if err != nil {
				return err
			}
			session.Values["cart"] = 4
			saveErr = session.Save(r, newResponse())
			return saveErr
		})
		if !errors.Is(saveErr, sessionstore.ErrConflict) || err == nil {
			t.Errorf("Save: %v, transaction: %v; want ErrConflict", saveErr, err)
		}
		if tries := release(); tries != 1 {
			t.Errorf("%d tries, want 1", tries)
		}
		s.wantUnchanged(t, before)
	}, isRetryable[:3]...)
}

// A request that only reads did not ask for the renewal, and must not fail with
// it.
func TestStore_RenewalOfAReaderInVain(t *testing.T) {
	onFailures(t, func(t *testing.T, s *site, f failure) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		before := s.row(t, ada.cookie(t))
		s.clock.advance(time.Second)
		release := s.trap(t, f, 1000)
		v := ada.on(s.renewing(t)).visit(t, nil)
		if tries := release(); v.saveErr != nil || len(v.cookies) != 0 || tries < 2 {
			t.Errorf("Save: %v, cookies %v, %d tries", v.saveErr, v.cookies, tries)
		}
		s.wantUnchanged(t, before)
	}, gaveWayOnServers...)
}
