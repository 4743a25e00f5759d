package sessionstore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/sessions"
)

// Login is a sign-in that succeeded; see [SignIn].
type Login struct {
	UserID string // required
	Method string // how the user signed in, such as "password"; for lists

	// AuthenticatedAt is when the user proved who they are, if that was earlier: an
	// identity provider may not have asked them again. Zero means now;
	// [UnknownTime] means that nobody can tell.
	AuthenticatedAt time.Time

	// Remember keeps the user signed in for Options.RememberLifetime, used or not,
	// with a cookie that outlives the browser.
	Remember bool

	// ProviderSession and ProviderSubject identify the session and the user at an
	// identity provider, to revoke by; see [Filter]. Each has up to 64 letters and
	// digits: use a hash of longer names.
	ProviderSession string
	ProviderSubject string
}

// UnknownTime is the Login.AuthenticatedAt of a sign-in whose time nobody can tell.
var UnknownTime = time.Unix(0, 0)

// SignIn signs a user in: it puts the id into Values, and the next Save gives the
// session a new sid, a new secret and a full lifetime. Values of another user are
// removed; those of an anonymous visitor stay. Signing in again as the same user keeps
// Remember. It returns ErrForeign for a session of another store, and an error for
// an empty user id or an invalid provider session or subject.
func SignIn(session *sessions.Session, login Login) error {
	b, err := boundOf(session)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if login.UserID == "" {
		return errors.New("sign in: the user id is empty")
	}
	if !isProviderID(login.ProviderSession) || !isProviderID(login.ProviderSubject) {
		return fmt.Errorf("sign in: a provider session or subject has up to %d letters and digits: use a hash", maxProviderID)
	}
	if b.row.UserID != "" && b.row.UserID != login.UserID {
		clear(session.Values)
	}
	b.signsOut = false
	session.Options.MaxAge = max(session.Options.MaxAge, 0)
	session.Values[b.opts.userKeys()[0]] = login.UserID
	login.Method = clean(login.Method, maxMethod)
	b.intent = intent{login: &login}
	return nil
}

// SignOut signs the user out: the next Save deletes the row and the cookie. Values are
// removed at once; those that are set afterwards, such as a message to show, begin a
// new anonymous session. It returns ErrForeign for a session of another store.
func SignOut(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	clear(session.Values)
	b.intent = intent{signsOut: true}
	return nil
}

// Renew gives the session a new sid and secret at the next Save, and the old ones stop
// working at once. Everything else stays, its lifetime included. It is for changes of
// what the user may do; [SignIn] renews by itself. It returns ErrForeign for a session
// of another store.
func Renew(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	b.renew = true
	return nil
}

// isProviderID reports whether a provider's session or subject can be stored.
func isProviderID(id string) bool {
	return len(id) <= maxProviderID && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}
