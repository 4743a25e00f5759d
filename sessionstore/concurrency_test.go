package sessionstore_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gorilla/sessions"
)

// atOnce changes the session in that many concurrent requests. All of them load
// it before the first one saves.
func (b *browser) atOnce(t *testing.T, requests int, change func(session *sessions.Session, request int)) {
	t.Helper()
	var loaded, done group
	loaded.Add(requests)
	for i := range requests {
		done.Go(func() {
			v := b.visit(t, func(session *sessions.Session) {
				change(session, i)
				loaded.Done()
				loaded.Wait()
			})
			if v.getErr != nil || v.saveErr != nil {
				t.Errorf("request %d: Get: %v, Save: %v", i, v.getErr, v.saveErr)
			}
		})
	}
	done.Wait()
}

const crowd = 16

func TestStore_DifferentKeysAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		ada.atOnce(t, crowd, func(session *sessions.Session, i int) { session.Values[fmt.Sprintf("key %d", i)] = i })
		got := ada.read(t)
		for i := range crowd {
			if key := fmt.Sprintf("key %d", i); got[key] != i {
				t.Errorf("%s = %v", key, got[key])
			}
		}
		if row := s.row(t, ada.cookie(t)); len(got) != crowd+1 || row.Version != crowd+1 || *row.UserID != "ada" {
			t.Errorf("%d values, row %+v", len(got), row)
		}
	})
}

func TestStore_SameKeyAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "kept", true)
		ada.atOnce(t, crowd, func(session *sessions.Session, i int) { session.Values["shared"] = i })
		got := ada.read(t)
		if winner, ok := got["shared"].(int); !ok || winner < 0 || winner >= crowd || got["kept"] != true || len(got) != 2 {
			t.Errorf("session holds %v", got)
		}
	})
}

// The last writer wins, whichever request loaded the session last.
func TestStore_LastWriterWins(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "theme", "dark")
		v := ada.while(t, func(session *sessions.Session) { session.Values["theme"] = "light" }, func() {
			ada.set(t, "theme", "blue")
			ada.set(t, "cart", 3)
		})
		if v.saveErr != nil {
			t.Fatal(v.saveErr)
		}
		if got := ada.read(t); got["theme"] != "light" || got["cart"] != 3 {
			t.Errorf("session holds %v", got)
		}
	})
}

func TestStore_DeletedKeysAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, func(session *sessions.Session) {
			for i := range crowd / 2 {
				session.Values[i] = "old"
			}
		})
		ada.atOnce(t, crowd, func(session *sessions.Session, i int) {
			if i < crowd/2 {
				delete(session.Values, i)
			} else {
				session.Values[i] = "new"
			}
		})
		var left []int
		for key, value := range ada.read(t) {
			if left = append(left, key.(int)); value != "new" {
				t.Errorf("%v = %v", key, value)
			}
		}
		if slices.Sort(left); len(left) != crowd/2 || left[0] != crowd/2 {
			t.Errorf("left are %v", left)
		}
	})
}

// If a request saves twice, the second Save merges changes from in between, and
// does not overwrite them.
func TestStore_SaveTwiceWithAnotherBetween(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "theme", "dark")
		v := ada.while(t, func(session *sessions.Session) {
			session.Values["cart"] = 1
			if err := session.Save(newRequest(t), newResponse()); err != nil {
				t.Error(err)
			}
			session.Values["cart"] = 2
		}, func() {
			ada.set(t, "theme", "blue")
			ada.set(t, "note", "hello")
		})
		if v.saveErr != nil {
			t.Fatal(v.saveErr)
		}
		if got := ada.read(t); got["theme"] != "blue" || got["note"] != "hello" || got["cart"] != 2 {
			t.Errorf("session holds %v", got)
		}
	})
}

// If the merged session is too large, Save fails, whichever request wrote first.
func TestStore_TooLargeTogether(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		half := make([]byte, 40<<10)
		ada := s.browser(t)
		ada.set(t, "a", 1)
		v := ada.while(t, func(session *sessions.Session) { session.Values["b"] = half }, func() { ada.set(t, "c", half) })
		wantTooLarge(t, v)
		if got := ada.read(t); len(got) != 2 || got["a"] != 1 {
			t.Errorf("%d values are left", len(got))
		}
	})
}

// Concurrent first requests get separate sessions.
func TestStore_FirstRequestsAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.browser(t).atOnce(t, crowd, func(session *sessions.Session, i int) { session.Values["cart"] = i })
		s.wantRows(t, crowd)
	})
}
