package grifts

import (
	"errors"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestChangeUsers(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		f.run(t, seed)
		sids := []string{f.signIn(t, "manager")}
		for _, step := range []struct {
			task    func(tools) error
			args    []string
			printed string
			revoked int
		}{
			{enableUser, []string{"manager"}, "nothing to change: manager is already member, enabled\n", 0},
			{setRole, []string{"manager", "member"}, "nothing to change: manager is already member, enabled\n", 0},
			{setRole, []string{"Manager", "admin"}, "manager: admin, enabled; 1 session revoked\n", 1},
			{disableUser, []string{"manager"}, "manager: admin, disabled; 0 sessions revoked\n", 1},
			{enableUser, []string{"manager"}, "manager: admin, enabled; 0 sessions revoked\n", 1},
		} {
			if out := f.run(t, step.task, step.args...); out != step.printed {
				t.Errorf("%q printed %q, want %q", step.args, out, step.printed)
			}
			f.wantRevoked(t, sids, step.revoked)
		}
		user, err := models.EnabledUserByUsername(f.db, "manager")
		if err != nil {
			t.Fatal(err)
		}
		events, _, err := models.ListEvents(f.db, user.ID, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		if got := strings.Join(kinds, " "); got != "user.enabled user.disabled session.ended user.role" {
			t.Errorf("the events are %s", got)
		}
	})
}

func TestChangeUsers_Refused(t *testing.T) {
	f := newFixture(t, testdb.SQLite)
	f.run(t, seed)
	for _, c := range []struct {
		task func(tools) error
		args []string
		want error
	}{
		{setRole, []string{"admin", "member"}, models.ErrLastAdmin},
		{disableUser, []string{"admin"}, models.ErrLastAdmin},
		{setRole, []string{"manager", "owner"}, models.ErrRole},
		{setRole, []string{"nobody", "admin"}, models.ErrNotFound},
	} {
		tools := f.tools
		tools.args = c.args
		if err := c.task(tools); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.args, err, c.want)
		}
	}
}
