package sessionstore_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
)

// users returns the users whose sessions List returns.
func (s *site) users(t *testing.T, userID string, limit int) []string {
	t.Helper()
	records, _, err := s.store.List(t.Context(), sessionstore.Filter{UserID: userID, AnyUser: userID == ""}, "", limit)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, r := range records {
		users = append(users, r.UserID)
	}
	return users
}

func TestStore_List(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for _, user := range []string{"ada", "Ada", "bob", "ada"} {
			s.browser(t).signIn(t, user)
			s.clock.advance(time.Minute)
		}
		s.browser(t).set(t, "cart", 3)
		for _, step := range []struct {
			of    string
			limit int
			want  []string
		}{
			{"", 10, []string{"", "ada", "bob", "Ada", "ada"}},
			{"", 2, []string{"", "ada"}},
			{"ada", 10, []string{"ada", "ada"}},
			{"ada", 1, []string{"ada"}},
			{"nobody", 10, nil},
			{"' OR 1=1 --", 10, nil},
		} {
			if got := s.users(t, step.of, step.limit); !slices.Equal(got, step.want) {
				t.Errorf("List(%q, %d) = %q, want %q", step.of, step.limit, got, step.want)
			}
		}
		s.clock.advance(idle - 2*time.Minute) // "bob" was seen exactly one idle timeout ago
		if got := s.users(t, "", 10); !slices.Equal(got, []string{"", "ada"}) {
			t.Errorf("with expired sessions: %q", got)
		}
		if got := s.users(t, "ada", 10); !slices.Equal(got, []string{"ada"}) {
			t.Errorf("ada's, with expired ones: %q", got)
		}
	})
}

// A row that cannot be decoded does not shorten the list.
func TestStore_ListWithADamagedRow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, bob := s.browser(t), s.browser(t)
		ada.signIn(t, "ada")
		s.clock.advance(time.Minute)
		bob.signIn(t, "bob")
		s.execute(t, "UPDATE sessions SET data = ? WHERE user_id = ?", []byte{2, 0}, "ada")
		if got := s.users(t, "", 10); !slices.Equal(got, []string{"bob", "ada"}) {
			t.Errorf("List = %q", got)
		}
	})
}

func TestStore_Inspect(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 3)
		cookie := ada.cookie(t)
		want, _, _ := s.store.Inspect(t.Context(), ada.sid(t))
		if want.UserID != "ada" || want.AuthMethod != "password" || !want.AuthenticatedAt.Equal(at(0)) || !want.ExpiresAt.Equal(at(idle)) {
			t.Errorf("found %+v", want)
		}
		if listed, err := list(t.Context(), s.store, "ada", 1); err != nil || len(listed) != 1 || listed[0] != want {
			t.Errorf("listed as %+v, %v; found as %+v", listed, err, want)
		}
		record, values, err := s.store.Inspect(t.Context(), want.SID)
		if err != nil || record != want || !reflect.DeepEqual(values, map[any]any{"user_id": "ada", "cart": 3}) {
			t.Errorf("%+v, %v, %v; want %+v", record, values, err, want)
		}
		for _, given := range []string{
			"", ".", "unknown", "%", cookie, // a cookie is no sid swapCase(want.SID), want.SID[1:], want.SID + " ", strings.Repeat("x", 9000),
			strings.Repeat("\x00", 24), strings.Repeat("\xff", 24), strings.Repeat("é", 12), // of a sid's length
		} {
			if _, values, err := s.store.Inspect(t.Context(), given); !errors.Is(err, sessionstore.ErrNotFound) || values != nil {
				t.Errorf("Inspect(%.10q): %v, %v; want ErrNotFound", given, values, err)
			}
		}
		s.appendAlien(t, cookie)
		if record, values, err := s.store.Inspect(t.Context(), want.SID); err == nil || record != want || len(values) != 2 {
			t.Errorf("with a value that cannot be decoded: %+v, %v, %v", record, values, err)
		}
		s.clock.advance(idle)
		if _, _, err := s.store.Inspect(t.Context(), want.SID); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("an expired session: %v", err)
		}
	})
}

func TestStore_Verify(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		cookie := ada.cookie(t)
		if !s.store.Verify(cookie) {
			t.Error("a cookie of this store is not verified")
		}
		for i := range cookie {
			if s.store.Verify(tampered(cookie, i)) {
				t.Errorf("verified with character %d changed", i)
			}
		}
	})
}

func (s *site) wantExpired(t *testing.T, want int64) {
	t.Helper()
	var n int64
	query := s.conn.Dialect.TranslateSQL("SELECT COUNT(*) FROM sessions WHERE expires_at <= ?")
	if err := s.conn.Store.Get(&n, query, s.clock.Now().UTC().Truncate(time.Microsecond)); n != want || err != nil {
		t.Errorf("%d expired, %v; want %d", n, err, want)
	}
}

func TestStore_Cleanup(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for range 5 {
			s.browser(t).signIn(t, "ada")
			s.clock.advance(time.Minute)
		}
		s.clock.advance(idle - 3*time.Minute) // the first three expired, the third of them right now
		s.wantExpired(t, 3)
		oldest := s.oldest(t)
		for _, want := range []int{2, 1, 0} {
			if n, err := s.store.Cleanup(t.Context(), 2); n != want || err != nil {
				t.Errorf("deleted %d, %v; want %d", n, err, want)
			}
			if want == 2 && s.oldest(t).Sub(oldest) != 2*time.Minute {
				t.Error("not the longest dead first")
			}
		}
		s.wantExpired(t, 0)
		if got := s.users(t, "", 10); len(got) != 2 {
			t.Errorf("%d live sessions are left, want 2", len(got))
		}
		s.wantRows(t, 2)
	})
}

// oldest returns the time at which the oldest expired session expired.
func (s *site) oldest(t *testing.T) time.Time {
	t.Helper()
	var row storedRow
	if err := s.conn.Store.Get(&row, "SELECT * FROM sessions ORDER BY expires_at LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	return row.ExpiresAt
}

// Several programs clean up at once, while the site is in use.
func TestStore_CleanupTwoAtOnce(t *testing.T) {
	const dead, batch = 60, 7
	onEveryEngine(t, func(t *testing.T, s *site) {
		for i := range dead {
			s.browser(t).set(t, "cart", i)
		}
		s.clock.advance(idle)
		ada := s.browser(t)
		ada.signIn(t, "ada")
		var all group
		var mu sync.Mutex
		deleted := 0
		for range 2 {
			all.Go(func() {
				for range dead/batch + 1 {
					n, err := s.store.Cleanup(t.Context(), batch)
					if err != nil || n > batch {
						t.Errorf("deleted %d, %v", n, err)
					}
					mu.Lock()
					deleted += n
					mu.Unlock()
				}
			})
		}
		for i := range dead / batch {
			ada.set(t, "cart", i)
		}
		all.Wait()
		if deleted != dead {
			t.Errorf("deleted %d, want %d", deleted, dead)
		}
		if user := ada.user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
		s.wantRows(t, 1)
	})
}
