package sessiontask_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobuffalo/grift/grift"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessiontask"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// TestRegister runs the tasks as `buffalo task` does.
func TestRegister(t *testing.T) {
	names := []string{"sessions:cleanup", "sessions:list", "sessions:revoke", "sessions:show"}
	var store *sessionstore.Store
	sessiontask.Register(func() *sessionstore.Store { return store })
	t.Cleanup(func() {
		for _, name := range names {
			_ = grift.Remove(name) // always nil
		}
	})
	if got := slices.Sorted(slices.Values(grift.List())); !slices.Equal(got, names) {
		t.Fatalf("tasks %q, want %q", got, names)
	}
	run := func(name string, args ...string) error {
		c := grift.NewContextWithContext(name, t.Context())
		c.Args = args
		return grift.Run(name, c)
	}
	for _, name := range names {
		if err := run(name); err == nil || !strings.Contains(err.Error(), "sessiontask.Register returned nil") {
			t.Errorf("%s without a store: %v", name, err)
		}
	}
	s := newSite(t, testdb.SQLite)
	store = s.Store
	c := s.signInAs(t, "ada")
	for _, call := range [][]string{{"sessions:list", "ada"}, {"sessions:show", c.sid()}, {"sessions:cleanup"}, {"sessions:revoke", "user", "ada"}} {
		if err := run(call[0], call[1:]...); err != nil {
			t.Errorf("%q: %v", call, err)
		}
	}
	s.wantRevoked(t, []cookie{c}, 1)
}
