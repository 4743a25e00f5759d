package sessionstore_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// agents returns the user agents of the sessions on a page.
func (s *site) agents(t *testing.T, f sessionstore.Filter, after string, limit int) (agents []string, next string) {
	t.Helper()
	page, next, err := s.store.List(t.Context(), f, after, limit)
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	for _, r := range page {
		agents = append(agents, r.UserAgent)
	}
	return agents, next
}

func TestStore_ListFiltered(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		s.fillList(t)
		s.testFilters(t)
		s.testNewSessionWhilePaging(t)
		s.testInvalidPages(t)
		s.clock.advance(idle)
		if left, _ := s.agents(t, everybody, "", 9); len(left) != 0 {
			t.Errorf("expired: %v", left)
		}
	})
}

// fillList creates seven sessions, whose user agents are their numbers.
func (s *site) fillList(t *testing.T) {
	for i, user := range []string{"ada", "bob", "", "ada", "bob", "", "ada"} {
		b := s.browser(t)
		b.header = http.Header{"User-Agent": {strconv.Itoa(i)}}
		b.change(t, func(session *sessions.Session) {
			session.Values["cart"] = i
			if user == "" {
				return
			}
			if err := signIn(session, user, "by-"+user); err != nil {
				t.Error(err)
			}
		})
		if i%2 == 0 { // so that two are created at the same time
			s.clock.advance(time.Second)
		}
	}
}

func (s *site) testFilters(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		filter sessionstore.Filter
		want   []string
	}{
		{everybody, []string{"0", "1", "2", "3", "4", "5", "6"}},
		{sessionstore.Filter{UserID: "ada"}, []string{"0", "3", "6"}},
		{sessionstore.Filter{AnyUser: true, AuthMethod: "by-bob"}, []string{"1", "4"}},
		{sessionstore.Filter{UserID: "ada", AuthMethod: "by-bob"}, nil},
		{sessionstore.Filter{AnyUser: true, IP: "127.0.0.1"}, []string{"0", "1", "2", "3", "4", "5", "6"}},
		{sessionstore.Filter{AnyUser: true, IP: "192.0.2.9"}, nil},
		{sessionstore.Filter{AnyUser: true, IP: "a\x00b\xff"}, nil},
		{sessionstore.Filter{AnyUser: true, SignedIn: &yes}, []string{"0", "1", "3", "4", "6"}},
		{sessionstore.Filter{AnyUser: true, SignedIn: &no}, []string{"2", "5"}},
	} {
		for _, limit := range []int{1, 2, 7, 100} {
			if got := s.allPages(t, c.filter, limit); !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.filter, got, c.want)
			}
		}
		if n, err := s.store.Count(t.Context(), c.filter); n != int64(len(c.want)) || err != nil {
			t.Errorf("%+v: count %d, %v; want %d", c.filter, n, err, len(c.want))
		}
	}
}

// allPages returns the user agents on all pages, sorted.
func (s *site) allPages(t *testing.T, filter sessionstore.Filter, limit int) (all []string) {
	for after := ""; ; {
		page, next := s.agents(t, filter, after, limit)
		if len(page) == 0 && after != "" {
			t.Errorf("%+v: an empty page", filter)
		}
		all = append(all, page...)
		if after = next; after == "" {
			slices.Sort(all)
			return all
		}
	}
}

func (s *site) testNewSessionWhilePaging(t *testing.T) {
	first, next := s.agents(t, everybody, "", 1)
	if first[0] < "5" || next == "" {
		t.Errorf("the newest is %v", first)
	}
	b := s.browser(t)
	b.header = http.Header{"User-Agent": {"new"}}
	b.signIn(t, "ada")
	if second, _ := s.agents(t, everybody, next, 9); len(second) != 6 {
		t.Errorf("then %v", second)
	}
}

func (s *site) testInvalidPages(t *testing.T) {
	sid := s.signedIn(t, "ada")[0].cookie(t)[:24]
	for _, cursor := range []string{"x", "1.", ".", "1.x", "-1." + sid, "99999999999999999999." + sid, "253402300800000000." + sid} {
		if _, _, err := s.store.List(t.Context(), everybody, cursor, 1); !errors.Is(err, sessionstore.ErrValue) || strings.Count(err.Error(), cursor) != 1 {
			t.Errorf("%q: %v", cursor, err)
		}
	}
	if _, _, err := s.store.List(t.Context(), everybody, strings.Repeat("x", 1<<20), 1); err == nil || len(err.Error()) > 1000 {
		t.Errorf("a huge cursor: %.100v", err)
	}
	if _, _, err := s.store.List(t.Context(), everybody, "", 0); err == nil {
		t.Error("no limit")
	}
}

// A renewed session is listed once, under its new sid.
func TestStore_ListRenewed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		old := ada.cookie(t)
		s.clock.advance(time.Minute)
		if ada.read(t); ada.cookie(t) == old {
			t.Error("not renewed")
		}
		page, _, err := s.store.List(t.Context(), everybody, "", 9)
		if err != nil || len(page) != 1 || page[0].SID != ada.cookie(t)[:24] {
			t.Errorf("found %+v, %v", page, err)
		}
	}, func(o *sessionstore.Options) { o.RenewAfter = time.Minute })
}

// Asking whether a session is alive does not count as use.
func TestStore_Alive(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, visitor := s.browser(t), s.browser(t)
		ada.signIn(t, "ada")
		visitor.set(t, "cart", 1)
		alive := func(cookie string) bool {
			t.Helper()
			r, err := http.NewRequest(http.MethodGet, "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
			is, err := s.store.Alive(r, cookieName)
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		if !alive(ada.cookie(t)) || alive(visitor.cookie(t)) || alive("") || alive("forged") {
			t.Error("who is alive?")
		}
		if alive(sign(t, secret, ada.cookie(t)[:24], strings.Split(visitor.cookie(t), ".")[1])) {
			t.Error("a secret that is not the row's")
		}
		s.clock.advance(idle - time.Second)
		if !alive(ada.cookie(t)) {
			t.Error("ended early")
		}
		s.clock.advance(2 * time.Second)
		if alive(ada.cookie(t)) {
			t.Error("asking kept it alive")
		}
		bob := s.browser(t)
		bob.signIn(t, "bob")
		if _, err := revokeUser(t.Context(), s.store, "bob"); err != nil {
			t.Fatal(err)
		}
		if alive(bob.cookie(t)) {
			t.Error("revoked")
		}
	})
}
