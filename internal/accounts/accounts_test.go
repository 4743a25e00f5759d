package accounts_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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

// office is a database with users, whose accounts the test changes.
type office struct {
	accounts.Accounts
	admin, manager *models.User
	events         []string // what was recorded
}

func newOffice(t *testing.T, engine testdb.Engine) *office {
	t.Helper()
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	db := appdb.Migrated(t, testdb.NewURL(t, engine))
	store, err := sessionstore.New(db, sessions.Options(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := models.SeedUsers(db); err != nil {
		t.Fatal(err)
	}
	o := &office{Accounts: accounts.Accounts{DB: db, Store: store}}
	for username, user := range map[string]**models.User{"admin": &o.admin, "manager": &o.manager} {
		if *user, err = models.EnabledUserByUsername(db, username); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// signIn creates a session for a user.
func (o *office) signIn(t *testing.T, user *models.User) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := o.Store.Get(r, "session")
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

func (o *office) countSessions(t *testing.T, user *models.User) int64 {
	t.Helper()
	n, err := o.Store.Count(t.Context(), sessionstore.Filter{UserID: user.ID.String()})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// record stores what Change records. Sessions are revoked before.
func (o *office) record(t *testing.T) func(models.Event) error {
	return func(e models.Event) error {
		if n := o.countSessions(t, o.manager); n != 0 {
			t.Errorf("%s was recorded while there were %d sessions", e.Kind, n)
		}
		by := ""
		if e.ActorID.Valid && e.ActorID.UUID == o.admin.ID && e.Notable {
			by = " by the administrator"
		}
		o.events = append(o.events, e.Kind+by)
		return nil
	}
}

func set[T any](value T) *T { return &value }

func TestChange(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			o := newOffice(t, engine)
			o.signIn(t, o.manager)
			o.signIn(t, o.manager)
			o.signIn(t, o.admin)
			change := models.Change{Role: set(models.RoleAdmin), Disabled: set(true)}
			result, err := o.Change(t.Context(), o.manager.ID.String(), change, o.admin, o.record(t))
			if err != nil {
				t.Fatal(err)
			}
			if result.Revoked != 2 || result.User.Role != models.RoleAdmin || result.User.MaySignIn() || *result.Changed.Role != models.RoleAdmin || !*result.Changed.Disabled {
				t.Errorf("%+v", result)
			}
			want := "user.role by the administrator, user.disabled by the administrator, session.ended by the administrator"
			if got := strings.Join(o.events, ", "); got != want {
				t.Errorf("recorded %s\nwant %s", got, want)
			}
			if n := o.countSessions(t, o.admin); n != 1 {
				t.Errorf("the administrator has %d sessions", n)
			}
		})
	}
}

// A change to what a user is already revokes and records nothing.
func TestChange_Nothing(t *testing.T) {
	o := newOffice(t, testdb.SQLite)
	o.signIn(t, o.manager)
	change := models.Change{Role: set(models.RoleMember), Disabled: set(false)}
	result, err := o.Change(t.Context(), o.manager.ID.String(), change, nil, o.record(t))
	if err != nil || result.Changed != (models.Change{}) || result.Revoked != 0 || o.countSessions(t, o.manager) != 1 || len(o.events) != 0 {
		t.Errorf("%+v, %v, recorded %q", result, err, o.events)
	}
}

func TestChange_Refused(t *testing.T) {
	o := newOffice(t, testdb.SQLite)
	o.signIn(t, o.manager)
	for _, c := range []struct {
		id     string
		change models.Change
		want   error
	}{
		{"nobody", models.Change{Disabled: set(true)}, models.ErrNotFound},
		{o.manager.ID.String(), models.Change{Role: set("owner"), Disabled: set(true)}, models.ErrRole},
		{o.admin.ID.String(), models.Change{Disabled: set(true)}, models.ErrLastAdmin},
	} {
		if _, err := o.Change(t.Context(), c.id, c.change, o.admin, o.record(t)); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
	if n := o.countSessions(t, o.manager); n != 1 || len(o.events) != 0 {
		t.Errorf("%d sessions, recorded %q", n, o.events)
	}
}

// Sessions are revoked even if no event can be recorded, and all events are tried.
func TestChange_RecordFails(t *testing.T) {
	o := newOffice(t, testdb.SQLite)
	o.signIn(t, o.manager)
	full := errors.New("disk full")
	var tried []string
	result, err := o.Change(t.Context(), o.manager.ID.String(), models.Change{Disabled: set(true)}, nil, func(e models.Event) error {
		tried = append(tried, e.Kind)
		return full
	})
	if !errors.Is(err, full) || result.Revoked != 1 || !slices.Equal(tried, []string{models.UserDisabled, models.SessionEnded}) {
		t.Errorf("%+v, %v, tried %q", result, err, tried)
	}
}

// The change is recorded even if the sessions cannot be revoked.
func TestChange_RevokeFails(t *testing.T) {
	o := newOffice(t, testdb.SQLite)
	if err := o.DB.RawQuery("ALTER TABLE sessions RENAME TO away").Exec(); err != nil {
		t.Fatal(err)
	}
	var recorded []string
	result, err := o.Change(t.Context(), o.manager.ID.String(), models.Change{Disabled: set(true)}, nil, func(e models.Event) error {
		recorded = append(recorded, e.Kind)
		return nil
	})
	if !errors.Is(err, sessionstore.ErrUnavailable) || result.User.MaySignIn() || !slices.Equal(recorded, []string{models.UserDisabled}) {
		t.Errorf("%+v, %v, recorded %q", result, err, recorded)
	}
}
