package sessiontask_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontask"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestTasks_Show(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		c := s.signIn(t, sessionstore.Login{UserID: "ada", Method: "password", Remember: true},
			"cart", "two apples", "_flash_", []byte(`{"info":["Saved."]}`), 7, true)
		for _, given := range []string{string(c), c.sid(), "session=" + string(c)} {
			out := s.run(t, sessiontask.Tasks.Show, given)
			for _, line := range []string{
				"sid +" + c.sid(), "user_id +ada", "auth_method +password", "remembered +yes", "label +-",
				`authenticated_at +20\S+Z`, `expires_at +20\S+Z`, "ip +192.0.2.1", "user_agent +test browser",
				`data\[user_id\] +string "ada"`, `data\[cart\] +string "two apples"`, `data\[7\] +bool "true"`,
				`data\[_flash_\] +\[\]uint8 "{\\"info\\":\[\\"Saved.\\"\]}"`,
			} {
				wantLine(t, out, line)
			}
			if judged := strings.Contains(out, "valid: signs its user in"); judged != (given != c.sid()) {
				t.Errorf("want the cookie judged if it was given:\n%s", out)
			}
			c.wantUnsaid(t, out)
		}
	})
}

func TestTasks_ShowForgedCookie(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	c := s.signInAs(t, "ada")
	wantLine(t, s.run(t, sessiontask.Tasks.Show, string(c)+"x"), "cookie +NOT valid: .*")
	anonymous := s.signIn(t, sessionstore.Login{}, "cart", 2)
	wantLine(t, s.run(t, sessiontask.Tasks.Show, string(anonymous)), "cookie +not checked: the session is anonymous")
}

func TestTasks_ShowRefused(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		c := s.signInAs(t, "ada")
		for _, args := range [][]string{{}, {"a", "b"}, {""}} {
			s.wantRefused(t, "sessions:show SID", sessiontask.Tasks.Show, args...)
		}
		stranger := strings.Replace(string(c), c.sid(), strings.Repeat("A", 24), 1)
		for _, arg := range []string{"nosuchsid", "=", ".", "\x00\xff", "'; DROP TABLE sessions; --", stranger} {
			s.wantRefused(t, "no live session has that SID", sessiontask.Tasks.Show, arg)
			c.wantUnsaid(t, s.Show(t.Context(), []string{arg}).Error())
		}
	})
}

func TestTasks_ShowDamaged(t *testing.T) {
	s := newSite(t, testdb.SQLite)
	c := s.signInAs(t, "ada")
	s.exec(t, "UPDATE sessions SET data = 'x'")
	s.wantRefused(t, "", sessiontask.Tasks.Show, c.sid())
}

// Control characters in a session must not reach the terminal, and values must
// not look like another line or column.
func TestTasks_Terminal(t *testing.T) {
	const hostile = "\x1b[2J\u009b31m\u202e\t\x7f\r\nsid  forged\x00\xff"
	s := newSite(t, testdb.SQLite)
	c := s.signIn(t, sessionstore.Login{UserID: "ada"}, "note", hostile, hostile, []byte(hostile))
	s.exec(t, "UPDATE sessions SET user_agent = ?, ip = ?, auth_method = ?, user_id = ?", hostile, hostile, hostile, hostile)
	for _, out := range []string{s.run(t, sessiontask.Tasks.List), s.run(t, sessiontask.Tasks.Show, c.sid())} {
		if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
			t.Errorf("character %q in %q", out[i:i+1], out)
		}
		if strings.Contains(out, "\nsid  forged") || !strings.Contains(out, `\x1b[2J\u009b31m\u202e\t\x7f\r\nsid  forged\x00\xff`) {
			t.Errorf("not escaped:\n%s", out)
		}
	}
}
