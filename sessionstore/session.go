package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/sessions"
)

// What the columns hold of a request, in characters.
const (
	maxIP        = 64
	maxUserAgent = 255
	maxMethod    = 64
	maxOrigin    = 64
	maxLabel     = 64
	maxUserID    = 255
)

// A bound is the Store as one session sees it: gorilla hands it back as
// session.Store(), so what the store knows of a session is found from the
// session alone, and no key in Values can be cleared by accident.
type bound struct {
	*Store
	state
	intent
	session *sessions.Session
	err     error // why the session must not be saved: not loaded, or ended
	resign  bool  // the cookie was signed under an older secret
	bearer  bool  // the request came with a token in place of a cookie
	unsure  *unsure
}

// state is what a session knows of its row.
type state struct {
	row    row     // as last read or written
	exists bool    // whether there is a row
	known  entries // what Values held when they last agreed with the row
}

// intent is what the next Save is to do beside writing Values.
type intent struct {
	signsIn  bool       // the user has just proved who it is
	method   string     // how
	origin   string     // out of what
	subject  string     // of whose
	at       *time.Time // when, if not now; zero if nobody knows
	remember bool       // and asked for a cookie that outlives the browser
	renew    bool       // give the session a new sid and secret
}

// SignIn signs userID in: it puts the id under [Options].UserKey and lets the
// next Save give the session a new sid and secret, a full lifetime, and
// authenticated_at. What another user left in the session is dropped; what an
// anonymous visitor put there stays. method says how the user signed in, for
// lists. It returns ErrForeign for a session of another store, and an error for
// an empty id, which is nobody's.
func SignIn(session *sessions.Session, userID, method string) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if userID == "" {
		return errors.New("sign in: the user id is empty")
	}
	if before := b.row.UserID; before != "" && before != userID {
		clear(session.Values)
	}
	if session.Options.MaxAge < 0 {
		session.Options.MaxAge = 0 // signed out, and in again, in one request
	}
	session.Values[b.opts.UserKey] = userID
	b.intent = intent{signsIn: true, method: clean(method, maxMethod)}
	return nil
}

// Remember lets the sign-in that came before it in this request last for
// [Options].RememberLifetime, used or not, with a cookie that outlives the
// browser. Signing in again as the same user keeps it so; signing out ends it.
// It returns ErrForeign for a session of another store, and an error when
// nobody is signing in.
func Remember(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if !b.signsIn {
		return errors.New("remember: call SignIn first, in the same request")
	}
	b.remember = true
	return nil
}

// SetOrigin says what the sign-in that came before it in this request came out of:
// a session at an identity provider, and the provider's subject, so that
// [Store.RevokeOrigin] and [Store.RevokeSubject] can end it together with all others
// that did. Each has up to 64 letters and digits, or is "" where there is none; of
// longer names take a hash. It returns ErrForeign for a session of another store,
// and an error when nobody is signing in.
func SetOrigin(session *sessions.Session, origin, subject string) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if !b.signsIn {
		return errors.New("set origin: call SignIn first, in the same request")
	}
	if origin != "" && !isOrigin(origin) || subject != "" && !isOrigin(subject) {
		return fmt.Errorf("set origin: %w", errOrigin)
	}
	b.origin, b.subject = origin, subject
	return nil
}

// SetAuthenticatedAt says when the user proved who it is, for the sign-in that came
// before it in this request: earlier, where a provider did not ask because it knew,
// and the zero time where nobody knows. Without it the moment of [SignIn] counts. It
// returns ErrForeign for a session of another store, and an error when nobody is
// signing in.
func SetAuthenticatedAt(session *sessions.Session, at time.Time) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	if !b.signsIn {
		return errors.New("set authenticated_at: call SignIn first, in the same request")
	}
	at = at.UTC().Truncate(time.Microsecond)
	b.at = &at
	return nil
}

// Renew gives the session a new sid and secret at the next Save: the old ones
// are dead at once. Everything else stays, also when it ends at the latest. It
// is for a change of what the user may do; [SignIn] renews by itself. It
// returns ErrForeign for a session of another store.
func Renew(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	b.renew = true
	return nil
}

// SignOut ends the session at the next Save: its row goes, and its cookie. It
// is gorilla's way to say so, and nothing else.
func SignOut(session *sessions.Session) {
	session.Options.MaxAge = -1
}

// Err returns why the session could not be loaded, for frameworks that drop
// the error of Get, and nil when it could be.
func Err(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	return b.err
}

// Describe returns what the table knows of the session. With [Options].Eager it
// knows already; without, it asks. It returns ErrNotFound when the session has no
// row, ErrUnavailable, or ErrForeign for a session of another store.
func Describe(ctx context.Context, session *sessions.Session) (Record, error) {
	b, err := boundOf(session)
	if err != nil {
		return Record{}, err
	}
	if b.exists && b.row.whole {
		return b.row.Record, nil
	}
	r, err := b.look(ctx, b.row.SID)
	return r.Record, err
}

// New implements sessions.Store; see Store.Get. It makes b the state of the
// session that it returns.
func (b *bound) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(b, name)
	session.IsNew = true
	session.Options = &sessions.Options{
		Path:     "/",
		HttpOnly: true,
		Secure:   !b.opts.Insecure,
		SameSite: http.SameSiteLaxMode,
	}
	b.session = session
	if b.err = (&http.Cookie{Name: name}).Valid(); b.err == nil {
		b.err = b.load(r)
	}
	return session, b.err
}

// load finds the row of the request's cookie or token. Whatever is wrong with
// it leaves the session new.
func (b *bound) load(r *http.Request) error {
	b.bearer = b.IsBearer(r)
	t, old, ok := b.verify(b.presented(r, b.session.Name()))
	if !ok {
		return nil
	}
	began := time.Now()
	whole := b.opts.Eager || !b.bearer && (old || b.opts.RenewAfter > 0) // the latter may be written
	row, found, err := b.find(r.Context(), t, whole)
	event := Event{Op: OpLoad, SID: t.sid, Err: err}
	if found {
		event.SID, event.UserID, event.Count = row.SID, row.UserID, 1
	}
	b.observe(r.Context(), began, event)
	if errors.Is(err, errCorrupt) {
		b.opts.Logger.ErrorContext(r.Context(), "a damaged session was taken for none; the row stays as it is", "error", err)
		return nil
	}
	if err != nil {
		return unavailable("load session", err)
	}
	if !found {
		return nil
	}
	if b.known, err = row.entries.values(b.session.Values); err != nil {
		b.opts.Logger.WarnContext(r.Context(), "a session value was left out; it stays in the row", "sid", row.SID, "error", err)
	}
	b.row, b.exists = row, true
	b.resign = old && row.token == t
	b.session.ID, b.session.IsNew = row.SID, false
	b.touch(r.Context(), row)
	return nil
}

// findFunc finds the row of a sid that is alive at now.
type findFunc func(ctx context.Context, sid string, now time.Time) (r row, found bool, err error)

// find returns the live row that a cookie's token proves. Under a sid that was
// renewed a moment ago it finds the session, but no token of it.
func (b *bound) find(ctx context.Context, t token, whole bool) (row, bool, error) {
	var find findFunc = b.rows.read
	if whole {
		find = b.rows.find
	}
	r, found, err := find(ctx, t.sid, b.now())
	if err != nil || !found || !t.matches(r.secretHash) {
		return row{}, false, err
	}
	r.token = t
	if r.renewedTo != "" {
		if r, found, err = b.follow(ctx, r.renewedTo, b.rows.find); err != nil || !found {
			return row{}, false, err
		}
	}
	err = b.decode(&r)
	return r, err == nil, err
}

// follow returns the whole live row of sid, or the one that it was renewed to, its
// data not decoded.
func (s *Store) follow(ctx context.Context, sid string, find findFunc) (row, bool, error) {
	for {
		r, found, err := find(ctx, sid, s.now())
		if err != nil || !found || r.renewedTo == "" {
			return r, found, err
		}
		sid = r.renewedTo
	}
}

// clean makes of a client's text what every database takes and no log or page
// can be broken with: valid UTF-8 without control characters, cut to limit.
func clean(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, text)
	runes := 0
	for i := range text {
		if runes == limit {
			return text[:i]
		}
		runes++
	}
	return text
}

var errOrigin = fmt.Errorf("an origin has 1 to %d letters and digits", maxOrigin)

func isOrigin(origin string) bool {
	return origin != "" && len(origin) <= maxOrigin && !strings.ContainsFunc(origin, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// isUserID reports whether an id can be a user's. Some databases take text that
// ends in spaces for the same without, and one user for another.
func isUserID(id string) bool {
	return id == clean(id, maxUserID) && !strings.HasSuffix(id, " ")
}
