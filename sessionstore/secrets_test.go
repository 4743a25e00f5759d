package sessionstore_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func secrets(list ...string) func(*sessionstore.Options) {
	return func(o *sessionstore.Options) {
		o.Secrets = nil
		for _, s := range list {
			o.Secrets = append(o.Secrets, []byte(s))
		}
	}
}

const (
	oldSecret = "the secret of last year, 32 bytes"
	newSecret = "the secret of this year, 32 bytes"
)

func TestStore_SecretRotation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		both := s.instance(t, secrets(newSecret, oldSecret))
		after := s.instance(t, secrets(newSecret))
		ada, bob := s.browser(t), s.browser(t)
		ada.signIn(t, "ada")
		bob.signIn(t, "bob")
		old := ada.cookie(t)
		before := s.row(t, old)

		v := ada.on(both).change(t, nil)
		if v.session.Values["user_id"] != "ada" || len(v.cookies) != 1 {
			t.Fatalf("session %v, cookies %v", v.session.Values, v.cookies)
		}
		parts := strings.Split(old, ".")
		if signed := ada.cookie(t); signed != sign(t, []byte(newSecret), parts[0], parts[1]) {
			t.Errorf("signed anew as %q, was %q", signed, old)
		}
		s.wantUnchanged(t, before)
		if v := ada.on(both).change(t, nil); len(v.cookies) != 0 {
			t.Errorf("signed anew once more: %v", v.cookies)
		}
		if user := ada.on(after).user(t); user != "ada" {
			t.Errorf("signed in: %v, want ada", user)
		}
		if user := bob.on(after).user(t); user != nil {
			t.Errorf("signed in under a secret that was removed: %v", user)
		}
	}, secrets(oldSecret))
}

// A request that lost a race also gets a newly signed cookie.
func TestStore_SecretRotationInARace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		both := s.instance(t, secrets(newSecret, oldSecret))
		ada := s.browser(t)
		ada.signIn(t, "ada")
		change := func(session *sessions.Session) { session.Values["cart"] = 3 }
		v := ada.on(both).while(t, change, func() { ada.set(t, "theme", "dark") })
		if v.saveErr != nil || len(v.cookies) != 1 {
			t.Fatalf("Save: %v, cookies %v", v.saveErr, v.cookies)
		}
		if got := ada.on(both).read(t); got["user_id"] != "ada" || len(got) != 3 {
			t.Errorf("session holds %v", got)
		}
	}, secrets(oldSecret))
}

// A sign-in under an old secret sets a single cookie.
func TestStore_SignInUnderAnOldSecret(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		both := s.instance(t, secrets(newSecret, oldSecret))
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		old := ada.cookie(t)
		if v := ada.on(both).signIn(t, "ada"); len(v.cookies) != 1 {
			t.Errorf("set %v", v.cookies)
		}
		renewed(t, ada.on(both), old)
		if user := ada.on(both).user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
	}, secrets(oldSecret))
}

// A failed sign-in leaves the session unchanged, and its cookie can still be
// signed again.
func TestStore_FailedSignInUnderAnOldSecret(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		both := s.instance(t, secrets(newSecret, oldSecret))
		ada := s.browser(t)
		ada.signIn(t, "ada")
		v := ada.on(both).change(t, func(session *sessions.Session) {
			session.Values["user_id"] = "bob"
			session.Values["note"] = make([]byte, sessionstore.DefaultMaxBytes)
			if err := session.Save(newRequest(t), newResponse()); !errors.Is(err, sessionstore.ErrValue) {
				t.Errorf("Save: %v", err)
			}
			session.Values["user_id"] = "ada"
			delete(session.Values, "note")
		})
		if len(v.cookies) != 1 {
			t.Errorf("set %v", v.cookies)
		}
		if user := ada.on(both).user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
	}, secrets(oldSecret))
}

func TestNew_Refuses(t *testing.T) {
	conn := testdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))
	closed, err := pop.NewConnection(&pop.ConnectionDetails{Dialect: "sqlite3", Database: "never.sqlite"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		conn *pop.Connection
		edit func(*sessionstore.Options)
		want string
	}{
		"NoSecret":         {conn, secrets(), "Secrets is empty"},
		"ShortSecret":      {conn, secrets(newSecret[:31]), "Secrets[0] has 31 bytes"},
		"ShortOldSecret":   {conn, secrets(newSecret, "hunter2"), "Secrets[1] has 7 bytes"},
		"IdleTimeout":      {conn, func(o *sessionstore.Options) { o.IdleTimeout = -time.Second }, "negative"},
		"Lifetime":         {conn, func(o *sessionstore.Options) { o.Lifetime = -1 }, "negative"},
		"MaxPerUser":       {conn, func(o *sessionstore.Options) { o.MaxPerUser = -1 }, "negative"},
		"UserKey":          {conn, func(o *sessionstore.Options) { o.UserKey = []string{"user_id"} }, "UserKey is a []string"},
		"AdoptForever":     {conn, func(o *sessionstore.Options) { o.Adopt = sessions.NewCookieStore(secret) }, "AdoptUntil"},
		"NoConnection":     {nil, secrets(newSecret), "connection is nil"},
		"ClosedConnection": {closed, secrets(newSecret), "not open"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := sessionstore.Options{Secrets: [][]byte{secret}}
			test.edit(&opts)
			store, err := sessionstore.New(test.conn, opts)
			if store != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, %v; want an error with %q", store, err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v: a secret in an error", err)
			}
		})
	}
}

func TestNew_Defaults(t *testing.T) {
	conn := testdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	if err != nil {
		t.Fatal(err)
	}
	r, w := newRequest(t), newResponse()
	r.RemoteAddr = "nowhere"
	session, _ := store.Get(r, cookieName)
	signInAs("ada")(session)
	before := time.Now()
	if err := session.Save(r, w); err != nil {
		t.Fatal(err)
	}
	record, _, err := store.Inspect(t.Context(), session.ID)
	if err != nil {
		t.Fatal(err)
	}
	if record.CreatedAt.Before(before.Truncate(time.Microsecond)) || record.CreatedAt.After(time.Now()) {
		t.Errorf("created %v, not now", record.CreatedAt)
	}
	if record.ExpiresAt.Sub(record.LastSeenAt) != time.Hour || record.UserID != "ada" || record.IP != "nowhere" {
		t.Errorf("record %+v", record)
	}
}

// clientIP returns a badly malformed header.
func clientIP(*http.Request) string { return "\n" + strings.Repeat("é", 100) }

func TestStore_OptionsAreUsed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		row := s.row(t, ada.cookie(t))
		if !row.ExpiresAt.Equal(at(10*time.Minute)) || !row.DeadlineAt.Equal(at(15*time.Minute)) || row.IP != strings.Repeat("é", 64) {
			t.Errorf("row %+v", row)
		}
		s.clock.advance(2 * time.Minute)
		ada.read(t)
		if row := s.row(t, ada.cookie(t)); !row.LastSeenAt.Equal(at(0)) {
			t.Error("touched within the interval")
		}
		s.clock.advance(time.Minute)
		ada.read(t)
		if row := s.row(t, ada.cookie(t)); !row.LastSeenAt.Equal(at(3 * time.Minute)) {
			t.Error("not touched after the interval")
		}
	}, func(o *sessionstore.Options) {
		o.IdleTimeout, o.Lifetime = 10*time.Minute, 15*time.Minute
		o.SetTouchInterval(3 * time.Minute)
		o.ClientIP = clientIP
	})
}
