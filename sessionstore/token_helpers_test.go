package sessionstore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

func bearers(o *sessionstore.Options) { o.Bearer = true }

// issue issues an access token of a user.
func (s *site) issue(t testing.TB, userID string) (token string) {
	t.Helper()
	token, _, err := s.issueLabeled(t, userID, "Backup of the house", tokenLifetime)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// issueLabeled issues a token from a session that is deleted afterwards.
func (s *site) issueLabeled(t testing.TB, userID, label string, lifetime time.Duration) (string, sessionstore.Record, error) {
	t.Helper()
	r, session := s.signedInRequest(t, userID)
	token, record, err := s.store.IssueToken(r, session, label, lifetime)
	s.execute(t, "DELETE FROM sessions WHERE sid = ?", session.ID)
	return token, record, err
}

// signedInRequest returns a request and a session in which the user is signed in.
func (s *site) signedInRequest(t testing.TB, userID string) (*http.Request, *sessions.Session) {
	t.Helper()
	r := newRequest(t).WithContext(s.queries.context(t.Context()))
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("User-Agent", "Mosaic/1.0")
	session, err := s.store.New(r, cookieName)
	if err != nil {
		t.Fatal(err)
	}
	if err := signIn(session, userID, "password"); err != nil {
		t.Fatal(err)
	}
	if err := session.Save(r, httptest.NewRecorder()); err != nil {
		t.Fatal(err)
	}
	return r, session
}

// tokenClient returns a client that sends these Authorization headers.
func (s *site) program(t testing.TB, authorization ...string) *browser {
	t.Helper()
	b := s.browser(t)
	b.header["Authorization"] = authorization
	return b
}

// wantAnonymous checks that the client is anonymous and gets no cookie.
func wantNobody(t testing.TB, what string, b *browser) {
	t.Helper()
	if v := b.change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
		t.Errorf("%s: %+v, cookies %v", what, v.session, v.cookies)
	}
}
