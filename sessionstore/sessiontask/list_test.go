package sessiontask_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontask"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestTasks_List(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		remembered := s.signIn(t, sessionstore.Login{UserID: "ada", Method: "password", Remember: true})
		bob := s.signInAs(t, "bob")
		anonymous := s.signIn(t, sessionstore.Login{}, "cart", 2)

		all := s.run(t, sessiontask.Tasks.List)
		wantLine(t, all, remembered.sid()+" +ada +password +yes +20.* 192.0.2.1")
		wantLine(t, all, bob.sid()+" +bob +password +- +20.*")
		wantLine(t, all, anonymous.sid()+" +- +- +- +20.*")
		bob.wantUnsaid(t, all)

		if one := s.run(t, sessiontask.Tasks.List, "bob"); strings.Count(one, "\n") != 2 || !strings.Contains(one, bob.sid()) {
			t.Errorf("want the session of bob alone:\n%s", one)
		}
		if none := s.run(t, sessiontask.Tasks.List, "nobody"); strings.Count(none, "\n") != 1 {
			t.Errorf("want no session:\n%s", none)
		}
	})
}

func wantLine(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile("(?m)^" + pattern + "$").MatchString(text) {
		t.Errorf("no line %q in\n%s", pattern, text)
	}
}

func TestTasks_ListRefused(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.wantRefused(t, "sessions:list USER-ID", sessiontask.Tasks.List, "ada", "bob")
	s.wantRefused(t, "sessions:list USER-ID", sessiontask.Tasks.List, "")
}

// List says so if it leaves sessions out.
func TestTasks_ListLimit(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.signInAs(t, "ada")
	s.insertCopies(t, 999)
	if all := s.run(t, sessiontask.Tasks.List); strings.Count(all, "\n") != 1001 || strings.Contains(all, "there are more") {
		t.Errorf("want 1000 sessions and no more, got %d lines", strings.Count(all, "\n"))
	}
	s.signInAs(t, "bob")
	if some := s.run(t, sessiontask.Tasks.List); strings.Count(some, "\n") != 1002 || !strings.Contains(some, "the newest 1000; there are more") {
		t.Errorf("want 1000 sessions and a note, got %d lines", strings.Count(some, "\n"))
	}
}

// Options.UserID translates the names that operators use.
func TestTasks_UserID(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	s.UserID = func(name string) (string, error) {
		if name != "Ada" {
			return "", errors.New("no such user")
		}
		return "17", nil
	}
	ada := s.signInAs(t, "17")
	if list := s.run(t, sessiontask.Tasks.List, "Ada"); !strings.Contains(list, ada.sid()) {
		t.Errorf("no session of Ada in\n%s", list)
	}
	s.wantRefused(t, "no such user", sessiontask.Tasks.List, "Eve")
	s.wantRefused(t, "no such user", sessiontask.Tasks.Revoke, "user", "Eve")
	s.wantRefused(t, "sessions:list NAME", sessiontask.Tasks.List, "Ada", "Eve")
	s.wantRefused(t, "sessions:revoke user NAME", sessiontask.Tasks.Revoke)
	if out := s.run(t, sessiontask.Tasks.Revoke, "user", "Ada"); out != "1 session revoked\n" {
		t.Errorf("printed %q", out)
	}
}

// List prints user names, and IDs for users without a name.
func TestTasks_UserNames(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	if out := s.run(t, sessiontask.Tasks.List); strings.Count(out, "\n") != 1 {
		t.Errorf("want no session:\n%s", out)
	}
	ada, deleted, anonymous := s.signInAs(t, "17"), s.signInAs(t, "18"), s.signIn(t, sessionstore.Login{}, "cart", 2)
	s.signInAs(t, "17")
	s.UserNames = func(ids []string) (map[string]string, error) {
		if slices.Sort(ids); !slices.Equal(ids, []string{"17", "18"}) {
			t.Errorf("asked for the names of %q, want each user once", ids)
		}
		return map[string]string{"17": "Ada"}, nil
	}
	out := s.run(t, sessiontask.Tasks.List)
	wantLine(t, out, ada.sid()+" +Ada .*")
	wantLine(t, out, deleted.sid()+" +18 .*")
	wantLine(t, out, anonymous.sid()+" +- .*")
	s.UserNames = func([]string) (map[string]string, error) { return nil, errors.New("no connection") }
	s.wantRefused(t, "no connection", sessiontask.Tasks.List)
}
