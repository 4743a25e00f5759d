package accounts_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/accounts"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// fixture is a database with the development users, two of whom have sessions.
type fixture struct {
	accounts.Accounts
	admin, manager *models.User
	steps          []string // what Change did, in order
	events         []models.Event
}

func onEveryEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) { test(t, newFixture(t, engine)) })
	}
}

func newFixture(t *testing.T, engine testdb.Engine) *fixture {
	t.Helper()
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{}
	f.DB = appdb.Migrated(t, testdb.NewURL(t, engine))
	options := sessions.Options(cfg)
	options.Observe = func(_ context.Context, e sessionstore.Event) {
		if e.Op == "revoke" {
			f.step(t, "revoke")
		}
	}
	if f.Store, err = sessionstore.New(f.DB, options); err != nil {
		t.Fatal(err)
	}
	if _, err := models.SeedUsers(f.DB); err != nil {
		t.Fatal(err)
	}
	f.admin, f.manager = f.user(t, "admin"), f.user(t, "manager")
	for _, user := range []*models.User{f.admin, f.manager, f.manager} {
		f.signIn(t, user)
	}
	return f
}

func (f *fixture) user(t *testing.T, username string) *models.User {
	t.Helper()
	user, err := models.UserByUsername(f.DB, username)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func (f *fixture) signIn(t *testing.T, user *models.User) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := f.Store.Get(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	if err := sessionstore.SignIn(session, sessionstore.Login{UserID: user.ID.String()}); err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, httptest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) wantSessions(t *testing.T, user *models.User, want int64) {
	t.Helper()
	n, err := f.Store.Count(t.Context(), sessionstore.Filter{UserID: user.ID.String()})
	if err != nil || n != want {
		t.Errorf("%s has %d sessions, want %d; %v", user.Username, n, want, err)
	}
}

// step notes a step of Change. Every step must come after the change of the manager.
func (f *fixture) step(t *testing.T, name string) {
	t.Helper()
	now := f.user(t, "manager")
	if now.Role == f.manager.Role && now.MaySignIn() == f.manager.MaySignIn() {
		name += " before the change"
	}
	f.steps = append(f.steps, name)
}

// record is the record function for Change. It returns err.
func (f *fixture) record(t *testing.T, err error) func(models.Event) error {
	return func(e models.Event) error {
		f.step(t, e.Kind)
		f.events = append(f.events, e)
		return err
	}
}

func (f *fixture) wantSteps(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.steps, want) {
		t.Errorf("steps %q, want %q", f.steps, want)
	}
}

func pointer[T any](value T) *T { return &value }

func TestChange(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		change := models.Change{Role: pointer(models.RoleAdmin), Disabled: pointer(true)}
		result, err := f.Change(t.Context(), f.manager.ID.String(), change, f.admin, f.record(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		if result.Revoked != 2 || result.User.Role != models.RoleAdmin || result.User.MaySignIn() {
			t.Errorf("%+v", result)
		}
		if result.Changed.Role == nil || result.Changed.Disabled == nil {
			t.Errorf("changed %+v", result.Changed)
		}
		f.wantSteps(t, "revoke", models.UserRoleChanged, models.UserDisabled, models.SessionEnded)
		for _, e := range f.events {
			if e.UserID.UUID != f.manager.ID || e.ActorID.UUID != f.admin.ID || !e.Notable {
				t.Errorf("event %+v", e)
			}
		}
		if last := f.events[len(f.events)-1]; last.Detail != models.RevokedUserGone || last.Sessions != 2 {
			t.Errorf("event %+v", last)
		}
		f.wantSessions(t, f.manager, 0)
		f.wantSessions(t, f.admin, 1)
	})
}

// TestChange_Task checks that a task changes a user without an administrator, and that
// a user without sessions gets no event about them.
func TestChange_Task(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		disable := models.Change{Disabled: pointer(true)}
		if _, err := f.Change(t.Context(), f.manager.ID.String(), disable, nil, f.record(t, nil)); err != nil {
			t.Fatal(err)
		}
		f.wantSteps(t, "revoke", models.UserDisabled, models.SessionEnded)
		for _, e := range f.events {
			if e.ActorID.Valid {
				t.Errorf("event with an actor: %+v", e)
			}
		}
		f.steps, f.manager = nil, f.user(t, "manager")
		enable := models.Change{Disabled: pointer(false)}
		if _, err := f.Change(t.Context(), f.manager.ID.String(), enable, nil, f.record(t, nil)); err != nil {
			t.Fatal(err)
		}
		f.wantSteps(t, "revoke", models.UserEnabled)
	})
}

// TestChange_Nothing checks that a change to what a user already is does nothing.
func TestChange_Nothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		change := models.Change{Role: pointer(models.RoleMember), Disabled: pointer(false)}
		result, err := f.Change(t.Context(), f.manager.ID.String(), change, f.admin, f.record(t, nil))
		if err != nil || result.Changed != (models.Change{}) || result.Revoked != 0 || result.User.ID != f.manager.ID {
			t.Errorf("%+v, %v", result, err)
		}
		f.wantSteps(t)
		f.wantSessions(t, f.manager, 2)
	})
}

// TestChange_Errors checks that a refused change changes, revokes and records nothing.
func TestChange_Errors(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		for name, c := range map[string]struct {
			id     string
			change models.Change
			want   error
		}{
			"NotFound":  {"00000000-0000-0000-0000-000000000000", models.Change{Disabled: pointer(true)}, models.ErrNotFound},
			"InvalidID": {"nobody", models.Change{Disabled: pointer(true)}, models.ErrNotFound},
			"Role":      {f.manager.ID.String(), models.Change{Role: pointer("owner"), Disabled: pointer(true)}, models.ErrRole},
			"LastAdmin": {f.admin.ID.String(), models.Change{Disabled: pointer(true)}, models.ErrLastAdmin},
			"LastRole":  {f.admin.ID.String(), models.Change{Role: pointer(models.RoleMember)}, models.ErrLastAdmin},
		} {
			result, err := f.Change(t.Context(), c.id, c.change, f.admin, f.record(t, nil))
			if !errors.Is(err, c.want) || result != (accounts.Result{}) {
				t.Errorf("%s: %+v, %v, want %v", name, result, err, c.want)
			}
		}
		f.wantSteps(t)
		for _, before := range []*models.User{f.admin, f.manager} {
			if now := f.user(t, before.Username); now.Role != before.Role || !now.MaySignIn() {
				t.Errorf("changed to %+v", now)
			}
		}
		f.wantSessions(t, f.admin, 1)
		f.wantSessions(t, f.manager, 2)
	})
}

// TestChange_RecordFails checks that sessions are revoked even if no event can be
// recorded, and that every event is tried.
func TestChange_RecordFails(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		full := errors.New("disk full")
		disable := models.Change{Disabled: pointer(true)}
		result, err := f.Change(t.Context(), f.manager.ID.String(), disable, f.admin, f.record(t, full))
		if !errors.Is(err, full) || result.Revoked != 2 || result.User.MaySignIn() {
			t.Errorf("%+v, %v", result, err)
		}
		f.wantSteps(t, "revoke", models.UserDisabled, models.SessionEnded)
		f.wantSessions(t, f.manager, 0)
	})
}

// TestChange_RevokeFails checks that the change is kept and recorded even if the
// sessions cannot be revoked.
func TestChange_RevokeFails(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, f *fixture) {
		if err := f.DB.RawQuery("ALTER TABLE sessions RENAME TO missing").Exec(); err != nil {
			t.Fatal(err)
		}
		disable := models.Change{Disabled: pointer(true)}
		result, err := f.Change(t.Context(), f.manager.ID.String(), disable, f.admin, f.record(t, nil))
		if !errors.Is(err, sessionstore.ErrUnavailable) || result.Revoked != 0 || result.User.MaySignIn() {
			t.Errorf("%+v, %v", result, err)
		}
		f.wantSteps(t, "revoke", models.UserDisabled)
		if f.user(t, "manager").MaySignIn() {
			t.Error("the manager is still enabled")
		}
	})
}
