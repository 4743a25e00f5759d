package actions

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/appdb"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// figuresOf counts what is in an empty database.
func figuresOf(t *testing.T) *figuresCache {
	t.Helper()
	db := appdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))
	log := slog.New(slog.DiscardHandler)
	store, err := sessionstore.New(db, sessionstore.Options{Secrets: [][]byte{make([]byte, 32)}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return &figuresCache{db: db, store: store, log: log}
}

// signUp begins a session.
func (f *figuresCache) signUp(t *testing.T) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := f.store.New(r, "session")
	if err != nil {
		t.Fatal(err)
	}
	if err := sessionstore.SignIn(session, sessionstore.Login{UserID: "ada"}); err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, httptest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
}

// age makes the last figures ones of before that time.
func (f *figuresCache) age(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(-by)
}

func (f *figuresCache) want(t *testing.T, what string, sessions int) {
	t.Helper()
	if got, err := f.get(t.Context()); err != nil || got.Sessions != sessions {
		t.Errorf("%s: %d sessions, %v, want %d", what, got.Sessions, err, sessions)
	}
}

// Figures are counted once a minute, and nobody who has seen some waits for new ones.
func TestFigures_Cached(t *testing.T) {
	f := figuresOf(t)
	f.want(t, "the first", 0)
	for n := range 2 {
		f.signUp(t)
		f.age(figuresAge / 2)
		at := f.at
		f.want(t, "not old", n)
		if f.mu.Lock(); f.counting != nil || !f.at.Equal(at) {
			t.Error("counted again within the minute")
		}
		f.mu.Unlock()
		f.age(figuresAge)
		f.want(t, "old, while others are counted", n)
		err := testproc.Poll(func() bool {
			got, err := f.get(t.Context())
			return err == nil && got.Sessions == n+1
		})
		if err != nil {
			t.Fatalf("the figures stay as old as they are: %v", err)
		}
	}
}

// Who leaves does not stop the counting.
func TestFigures_FirstAskerLeaves(t *testing.T) {
	f := figuresOf(t)
	f.signUp(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, _ = f.get(ctx)
	err := testproc.Poll(func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.last != nil || f.err != nil
	})
	if err != nil || f.err != nil {
		t.Errorf("%v, %v", err, f.err)
	}
	f.want(t, "the next", 1)
}

func TestFigures_NotCounted(t *testing.T) {
	f := figuresOf(t)
	if err := f.db.RawQuery("ALTER TABLE events RENAME TO away").Exec(); err != nil {
		t.Fatal(err)
	}
	if got, err := f.get(t.Context()); err == nil {
		t.Errorf("%+v", got)
	}
	if err := f.db.RawQuery("ALTER TABLE away RENAME TO events").Exec(); err != nil {
		t.Fatal(err)
	}
	f.want(t, "when the database is back", 0)
}

// Where sessions are many, the question says about how many there are.
func TestFigures_AliveAbout(t *testing.T) {
	f := figuresOf(t)
	f.want(t, "the first", 0)
	f.signUp(t)
	if n, about, err := f.alive(t.Context()); n != 1 || about || err != nil {
		t.Errorf("%d, about %t, %v; want 1, counted now", n, about, err)
	}
	f.last.Sessions = countedAnew + 1
	if n, about, err := f.alive(t.Context()); n != countedAnew+1 || !about || err != nil {
		t.Errorf("%d, about %t, %v; want those of a minute ago", n, about, err)
	}
}
