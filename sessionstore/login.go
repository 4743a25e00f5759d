package sessionstore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/sessions"
)

// Login describes a successful sign-in; see [SignIn]. Only UserID is required.
type Login struct {
	// UserID has 1 to 255 characters of valid UTF-8, without control characters, and
	// does not end in a space.
	UserID string

	// Method is how the user signed in, such as "password", for lists of sessions.
	// Up to 64 characters are kept.
	Method string

	// AuthenticatedAt is when the user proved their identity. Zero means now.
	// With an identity provider it may be earlier (OpenID Connect's auth_time),
	// or [UnknownTime]. A time in the future counts as now, and one before 1970 as
	// unknown.
	AuthenticatedAt time.Time

	// Remember keeps the user signed in for Options.RememberLifetime, used or not.
	// The browser keeps the cookie when it closes.
	Remember bool

	// ProviderSession and ProviderSubject identify the session and the user at an
	// identity provider, so that a [Filter] can select by them (OpenID Connect
	// Back-Channel Logout). Each has up to 64 ASCII letters and digits. Store a hash
	// of identifiers that may be longer or have other characters.
	ProviderSession string
	ProviderSubject string
}

// UnknownTime is the Login.AuthenticatedAt of a sign-in at an unknown time.
var UnknownTime = time.Unix(0, 0)

// SignIn signs a user in. It puts login.UserID into Values as a string, under
// [Options].UserKey. The next Save gives the session a new sid, a new secret and a full
// lifetime, and the old cookie stops working at once (OWASP ASVS 5.0, 7.2.4).
//
// The values of an anonymous session are kept; those of another user are removed at once.
// If the same user signs in again, Remember stays set, unless SignOut came first.
//
// It returns ErrForeign, or an error for an empty user id or an invalid provider session
// or subject. Save returns ErrValue if the user id is invalid in another way, and
// ErrBearer if the request has an access token.
func SignIn(session *sessions.Session, login Login) error {
	b, err := boundOf(session)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if login.UserID == "" {
		return errors.New("sign in: the user id is empty: set Login.UserID")
	}
	if !isProviderID(login.ProviderSession) || !isProviderID(login.ProviderSubject) {
		return fmt.Errorf("sign in: invalid provider session or subject: use up to %d letters and digits, such as a hash in hexadecimal", maxProviderID)
	}
	if b.isOther(login.UserID) {
		clear(session.Values)
	}
	session.Options.MaxAge = max(session.Options.MaxAge, 0)
	session.Values[b.opts.userKeys()[0]] = login.UserID
	login.Method = clean(login.Method, maxMethod)
	b.intent = intent{login: &login, forgets: b.signsOut || b.forgets}
	return nil
}

// isOther reports whether the session or its Values are another user's.
func (b *bound) isOther(userID string) bool {
	current, err := b.userOf(b.session)
	return err != nil || current != "" && current != userID || b.row.UserID != "" && b.row.UserID != userID
}

// SignOut signs the user out. It removes all values at once, and the next Save deletes
// the row and the cookie. If the request has an access token, that token is revoked.
// Values that are set after SignOut, such as a message to show, go into a new anonymous
// session. It returns ErrForeign.
func SignOut(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	clear(session.Values)
	b.intent = intent{signsOut: true}
	return nil
}

// Renew gives the session a new sid and secret at the next Save; the old cookie stops
// working at once. Everything else stays the same, including when the session expires at
// the latest. Call it when the user's permissions change. [SignIn] renews by itself. It
// returns ErrForeign; Save returns ErrBearer if the request has an access token.
func Renew(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	b.renew = true
	return nil
}

// isProviderID reports whether the id of a provider session or subject can be stored.
func isProviderID(id string) bool {
	return len(id) <= maxProviderID && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}
