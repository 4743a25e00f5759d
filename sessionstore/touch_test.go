package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

const touchInterval = idle / 60

func TestStore_TouchedOncePerInterval(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		s.queries.take()
		for _, step := range []struct {
			after time.Duration
			verbs string
		}{
			{0, "SELECT"},
			{touchInterval - instant, "SELECT"},
			{instant, "SELECT UPDATE"},
			{0, "SELECT"},
			{touchInterval - instant, "SELECT"},
			{instant, "SELECT UPDATE"},
		} {
			s.clock.advance(step.after)
			version := s.row(t, ada.cookie(t)).Version
			if v := ada.change(t, nil); len(v.cookies) != 0 {
				t.Errorf("set %v", v.cookies)
			}
			s.queries.want(t, "a visit", step.verbs)
			if row := s.row(t, ada.cookie(t)); row.Version != version {
				t.Error("a touch counts as a write: it would be in the way of others")
			}
		}
		row := s.row(t, ada.cookie(t))
		if !row.LastSeenAt.Equal(at(2*touchInterval)) || !row.ExpiresAt.Equal(at(2*touchInterval+idle)) {
			t.Errorf("last seen %v, expires %v", row.LastSeenAt, row.ExpiresAt)
		}
	})
}

// A startedContext signals when a goroutine starts waiting for it.
type startedContext struct {
	context.Context
	once    sync.Once
	started chan struct{}
}

func (c *startedContext) Done() <-chan struct{} {
	c.once.Do(func() { close(c.started) })
	return c.Context.Done()
}

// run starts Run. stop stops it and waits until everything is written.
func (s *site) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(s.queries.context(t.Context()))
	running := &startedContext{Context: ctx, started: make(chan struct{})}
	var run group
	run.Go(func() { s.store.Run(running) })
	<-running.started
	stop = sync.OnceFunc(func() {
		cancel()
		run.Wait()
	})
	t.Cleanup(stop)
	return stop
}

func TestStore_RunTouchesTogether(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		stop := s.run(t)
		browsers := make([]*browser, 5)
		for i := range browsers {
			browsers[i] = s.browser(t)
			browsers[i].set(t, "cart", i)
		}
		s.clock.advance(touchInterval)
		s.queries.take()
		for range 3 {
			for _, b := range browsers {
				b.read(t)
			}
		}
		s.queries.want(t, "visits while Run runs", strings.TrimSpace(strings.Repeat("SELECT ", 15)))
		if row := s.row(t, browsers[0].cookie(t)); !row.LastSeenAt.Equal(at(0)) {
			t.Errorf("last seen %v: written on the request's path", row.LastSeenAt)
		}
		stop()
		s.queries.want(t, "the end of Run", "UPDATE")
		for _, b := range browsers {
			row := s.row(t, b.cookie(t))
			if !row.LastSeenAt.Equal(at(touchInterval)) || !row.ExpiresAt.Equal(at(touchInterval+idle)) {
				t.Errorf("last seen %v, expires %v", row.LastSeenAt, row.ExpiresAt)
			}
		}
		s.clock.advance(touchInterval)
		browsers[0].read(t)
		s.queries.want(t, "a visit after Run", "SELECT UPDATE")
		s.run(t)()
		s.queries.want(t, "Run with nothing left to write", "")
	})
}

// More sessions than fit into one statement are touched in several.
func TestStore_RunTouchesInBatches(t *testing.T) {
	const many = perBatch + 1
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		stop := s.run(t)
		browsers := make([]*browser, many)
		for i := range browsers {
			browsers[i] = s.browser(t)
			browsers[i].set(t, "cart", i)
		}
		s.clock.advance(touchInterval)
		for _, b := range browsers {
			b.read(t)
		}
		s.queries.take()
		stop()
		s.queries.want(t, "the end of Run", "UPDATE UPDATE")
		var stale int
		if err := s.conn.Store.Get(&stale, s.conn.Dialect.TranslateSQL("SELECT COUNT(*) FROM sessions WHERE last_seen_at < ?"), at(touchInterval)); err != nil {
			t.Fatal(err)
		}
		if stale != 0 {
			t.Errorf("%d sessions were not touched", stale)
		}
	})
}

// Sessions that are written together keep their own times.
func TestStore_TouchedTogetherUsedApart(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, bob := s.browser(t), s.browser(t)
		ada.set(t, "cart", 1)
		bob.set(t, "cart", 2)
		stop := s.run(t)
		s.clock.advance(10 * time.Minute)
		ada.read(t)
		s.clock.advance(10 * time.Minute)
		bob.read(t)
		stop()
		for b, used := range map[*browser]time.Duration{ada: 10 * time.Minute, bob: 20 * time.Minute} {
			row := s.row(t, b.cookie(t))
			if row.LastSeenAt.After(at(used)) || row.LastSeenAt.Equal(at(0)) || row.ExpiresAt.After(at(used+idle)) {
				t.Errorf("used after %v, last seen %v, expires %v", used, row.LastSeenAt, row.ExpiresAt)
			}
		}
	})
}

// late visits through another server, whose Run writes the touch after meanwhile.
func (b *browser) late(t *testing.T, meanwhile func()) {
	t.Helper()
	slow := b.site.instance(t)
	stop := slow.run(t)
	b.on(slow).read(t)
	meanwhile()
	stop()
}

func TestStore_LateTouch(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		t.Run("NeverBackwards", func(t *testing.T) {
			ada := s.browser(t)
			ada.set(t, "cart", 1)
			s.clock.advance(20 * time.Minute)
			var newest storedRow
			ada.late(t, func() {
				s.clock.advance(10 * time.Minute)
				ada.read(t)
				newest = s.row(t, ada.cookie(t))
			})
			s.wantUnchanged(t, newest)
		})
		t.Run("ExpiredMeanwhile", func(t *testing.T) {
			ada := s.browser(t)
			ada.set(t, "cart", 1)
			s.clock.advance(50 * time.Minute)
			before := s.row(t, ada.cookie(t))
			ada.late(t, func() { s.clock.advance(10 * time.Minute) })
			s.wantUnchanged(t, before)
			s.wantDead(t, ada.cookie(t))
		})
		t.Run("SignedOutMeanwhile", func(t *testing.T) {
			ada := s.browser(t)
			ada.set(t, "cart", 1)
			s.clock.advance(50 * time.Minute)
			cookie, rows := ada.cookie(t), s.countRows(t)
			ada.late(t, func() { ada.change(t, signOut) })
			s.wantRows(t, rows-1)
			s.wantDead(t, cookie)
		})
	})
}

// A touch that fails is logged, and does not end the session.
func TestStore_TouchFails(t *testing.T) {
	var log lockedBuffer
	s := newSite(t, testdb.NewURL(t, testdb.SQLite), func(o *sessionstore.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	ada := s.browser(t)
	ada.set(t, "cart", 1)
	s.execute(t, "CREATE TRIGGER no_touch BEFORE UPDATE ON sessions BEGIN SELECT RAISE(FAIL, 'full'); END")
	s.clock.advance(touchInterval)
	if cart := ada.read(t)["cart"]; cart != 1 {
		t.Errorf("cart = %v", cart)
	}
	if !strings.Contains(log.String(), "full") {
		t.Errorf("logged %q", log.String())
	}
	v := ada.visit(t, func(session *sessions.Session) { session.Values["cart"] = 2 })
	if !errors.Is(v.saveErr, sessionstore.ErrUnavailable) || !strings.Contains(fmt.Sprint(v.saveErr), "full") {
		t.Errorf("Save: %v", v.saveErr)
	}
}
