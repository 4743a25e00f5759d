package sessionstore_test

import (
	"net/http"
	"testing"

	"github.com/gorilla/sessions"
)

// An app signs out and then leaves a message for the next page.
func TestStore_FlashAfterSignOut(t *testing.T) {
	clearAll := func(session *sessions.Session) { clear(session.Values) }
	for name, test := range map[string]flashTest{
		"ClearAndSave":   {clearAll, true}, // Buffalo's Clear and Save
		"SignOutAndSave": {signOut, true},
		"SignOut":        {signOut, false},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				for _, user := range []string{"ada", ""} {
					test.run(t, s, user)
				}
			})
		})
	}
}

type flashTest struct {
	end   func(*sessions.Session)
	saves bool // before the message is added
}

// run signs out, adds a message, and checks that it is shown exactly once, on the
// next visit.
func (f flashTest) run(t *testing.T, s *site, user string) {
	b := s.signedIn(t, user)[0]
	old := b.cookie(t)
	response := b.request(t, func(w http.ResponseWriter, r *http.Request) { f.endWithFlash(t, s, w, r) })
	if cookies := response.Cookies(); len(cookies) > 1 || user != "" && (len(cookies) != 1 || cookies[0].MaxAge != 0) {
		t.Errorf("%q: cookies %v", user, cookies)
	}
	for visit, want := range []int{1, 0} {
		var flashes []any
		b.change(t, func(session *sessions.Session) {
			if len(session.Values) != want {
				t.Errorf("%q: on visit %d the session holds %v", user, visit, session.Values)
			}
			flashes = session.Flashes()
		})
		if len(flashes) != want {
			t.Errorf("%q: on visit %d the messages are %v", user, visit, flashes)
		}
	}
	if user != "" {
		s.wantDead(t, old)
	}
}

func (f flashTest) endWithFlash(t *testing.T, s *site, w http.ResponseWriter, r *http.Request) {
	session, err := s.store.Get(r, cookieName)
	if err != nil {
		t.Error(err)
	}
	f.end(session)
	if f.saves {
		if err := session.Save(r, w); err != nil {
			t.Error(err)
		}
	}
	session.AddFlash("Signed out.")
	if err := session.Save(r, w); err != nil {
		t.Error(err)
	}
	if session.Options.MaxAge != 0 {
		t.Errorf("MaxAge stays at %d", session.Options.MaxAge)
	}
}
