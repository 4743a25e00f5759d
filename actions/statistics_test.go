package actions

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// newStatistics returns the statistics of an empty database.
func newStatistics(t *testing.T) *statisticsCache {
	t.Helper()
	db := appdb.Migrated(t, testdb.NewURL(t, testdb.SQLite))
	log := slog.New(slog.DiscardHandler)
	store, err := sessionstore.New(db, sessionstore.Options{Secrets: [][]byte{make([]byte, 32)}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return &statisticsCache{db: db, store: store, log: log}
}

// addSession signs a user in.
func (s *statisticsCache) addSession(t *testing.T) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	session, err := s.store.New(r, "session")
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

// age makes the statistics older.
func (s *statisticsCache) age(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(-by)
}

func (s *statisticsCache) want(t *testing.T, what string, sessions int) {
	t.Helper()
	if got, err := s.get(t.Context()); err != nil || got.Sessions != sessions {
		t.Errorf("%s: %d sessions, %v, want %d", what, got.Sessions, err, sessions)
	}
}

// Statistics are computed once a minute, and only the first request waits for them.
func TestStatistics_Cached(t *testing.T) {
	s := newStatistics(t)
	s.want(t, "first", 0)
	for n := range 2 {
		s.addSession(t)
		s.age(statisticsAge / 2)
		s.want(t, "within the minute", n)
		if _, isFresh := s.cached(); !isFresh {
			t.Error("not fresh within the minute")
		}
		s.age(statisticsAge)
		s.want(t, "after a minute, while they are computed", n)
		err := testproc.Poll(func() bool {
			got, err := s.get(t.Context())
			return err == nil && got.Sessions == n+1
		})
		if err != nil {
			t.Fatalf("the statistics stay old: %v", err)
		}
	}
}

// The computation goes on if the client that started it leaves.
func TestStatistics_ClientLeaves(t *testing.T) {
	s := newStatistics(t)
	s.addSession(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, _ = s.get(ctx)
	err := testproc.Poll(func() bool {
		last, _ := s.cached()
		return last != nil
	})
	if err != nil {
		t.Error(err)
	}
	s.want(t, "next request", 1)
}

func TestStatistics_DatabaseError(t *testing.T) {
	s := newStatistics(t)
	if err := s.db.RawQuery("ALTER TABLE events RENAME TO away").Exec(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.get(t.Context()); !errors.Is(err, models.ErrDatabase) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.db.RawQuery("ALTER TABLE away RENAME TO events").Exec(); err != nil {
		t.Fatal(err)
	}
	s.want(t, "after the error", 0)
}

// Many sessions are not counted again for each request.
func TestStatistics_Estimate(t *testing.T) {
	s := newStatistics(t)
	s.want(t, "first", 0)
	s.addSession(t)
	if n, isEstimate, err := s.sessions(t.Context()); n != 1 || isEstimate || err != nil {
		t.Errorf("%d, estimate %t, %v; want 1, counted now", n, isEstimate, err)
	}
	s.last.Sessions = maxExactCount + 1
	if n, isEstimate, err := s.sessions(t.Context()); n != maxExactCount+1 || !isEstimate || err != nil {
		t.Errorf("%d, estimate %t, %v; want the cached number", n, isEstimate, err)
	}
}
