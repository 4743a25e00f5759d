package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/sessions"
)

// saveAttempts bounds how often Save merges its changes over a row that other
// requests change at the same time. At least one of them succeeds each time.
const saveAttempts = 32

// saveTimeout bounds one Save, all its attempts together.
const saveTimeout = 5 * time.Second

// What the columns hold of a request, in characters.
const (
	maxIP        = 64
	maxUserAgent = 255
	maxMethod    = 64
	maxUserID    = 255
)

// A bound is the Store as one session sees it: gorilla hands it back as
// session.Store(), so what the store knows of a session is found from the
// session alone, and no key in Values can be cleared by accident.
type bound struct {
	*Store
	err    error   // why the session must not be saved: not loaded, or ended
	row    row     // the row as last read or written
	exists bool    // whether there is a row
	known  entries // what Values held when they last agreed with the row
	old    bool    // the cookie was signed under an older secret
	renew  bool    // a new sid and secret at the next Save
	method string  // of the sign-in that the next Save records
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
	b.renew = true
	b.method = clean(method, maxMethod)
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

// Describe returns what the table knows of the session, and false when it has
// no row.
func Describe(session *sessions.Session) (Record, bool) {
	b, err := boundOf(session)
	if err != nil || !b.exists {
		return Record{}, false
	}
	return b.row.Record, true
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
	b.err = b.load(r, session)
	return session, b.err
}

// load finds the row of the request's cookie. Whatever is wrong with the
// cookie leaves the session new.
func (b *bound) load(r *http.Request, session *sessions.Session) error {
	t, old, ok := b.verify(cookieValue(r, session.Name()))
	if !ok {
		return nil
	}
	row, found, err := b.rows.find(r.Context(), t.sid, b.now())
	if errors.Is(err, errCorrupt) {
		b.opts.Logger.ErrorContext(r.Context(), "a damaged session was taken for none; the row stays as it is", "error", err)
		return nil
	}
	if err != nil {
		return unavailable("load session", err)
	}
	if !found || !t.matches(row.secretHash) {
		return nil
	}
	if b.known, err = row.entries.values(session.Values); err != nil {
		b.opts.Logger.WarnContext(r.Context(), "a session value was left out; it stays in the row", "sid", row.SID, "error", err)
	}
	b.row, b.exists, b.old = row, true, old
	b.row.token = t
	session.ID, session.IsNew = row.SID, false
	b.touch(r.Context(), row)
	return nil
}

// Save implements sessions.Store; see Store.Save.
func (b *bound) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if b.err != nil {
		return fmt.Errorf("save session: %w", b.err)
	}
	if session.Options.MaxAge < 0 {
		return b.end(r, w, session)
	}
	current, err := encodeValues(session.Values, b.opts.Transient)
	if err != nil {
		return err
	}
	user, err := b.userOf(session)
	if err != nil {
		return err
	}
	if b.row.UserID != "" && len(current) == 0 {
		SignOut(session) // in Buffalo's way: Session.Clear
		return b.end(r, w, session)
	}
	signsIn := user != "" && (b.renew || user != b.row.UserID)
	cookieDue, err := b.write(r, current, user)
	if signsIn && errors.Is(err, ErrEnded) {
		b.forget(session)
		return b.Save(r, w, session)
	}
	if err != nil {
		return err
	}
	b.known, b.old, b.renew, b.method = current, false, false, ""
	session.ID = b.row.SID
	if cookieDue {
		setCookie(w, session, b.signers[0].cookie(b.row.token))
	}
	return nil
}

// write brings the row up to date with current, if it is not, and reports
// whether the browser needs another cookie.
func (b *bound) write(r *http.Request, current entries, user string) (cookieDue bool, err error) {
	changes := b.known.changesTo(current)
	begins := b.renew || user != b.row.UserID
	if len(changes) == 0 && !begins {
		return b.old, nil
	}
	r, cancel := saving(r)
	defer cancel()
	switch {
	case !b.exists:
		return true, b.insert(r, current, user)
	case begins:
		switched := b.row.UserID != "" && b.row.UserID != user
		return true, b.update(r.Context(), func(next *row) {
			next.entries = next.entries.with(changes)
			if switched { // nothing that others wrote for the last user is for this one
				next.entries = current
			}
			b.begin(r, next, user)
		})
	}
	return b.old, b.update(r.Context(), func(next *row) {
		next.entries = next.entries.with(changes)
		b.refresh(next)
	})
}

// saving is the request as a write sees it: a client that leaves does not break
// a sign-out off, and a database that hangs does not hold it for ever.
func saving(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), saveTimeout)
	return r.WithContext(ctx), cancel
}

// forget makes a new session of one that ended while a user signed in to it,
// perhaps by a sign-in beside this one: the user has just proved who it is.
// Nothing of the ended session goes along.
func (b *bound) forget(session *sessions.Session) {
	user := session.Values[b.opts.UserKey]
	clear(session.Values)
	session.Values[b.opts.UserKey] = user
	b.err, b.row, b.exists, b.known = nil, row{}, false, nil
}

// userOf returns the user in the session as the column user_id has it.
func (b *bound) userOf(session *sessions.Session) (string, error) {
	v, ok := session.Values[b.opts.UserKey]
	if !ok || v == nil {
		return "", nil
	}
	user := fmt.Sprint(v)
	if user != clean(user, maxUserID) {
		return "", &ValueError{Key: b.opts.UserKey, Err: errUserID}
	}
	return user, nil
}

// end deletes the row and what the session held, and tells the browser to drop
// whatever it has.
func (b *bound) end(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if b.exists {
		saved, cancel := saving(r)
		defer cancel()
		if _, err := b.rows.delete(saved.Context(), b.row.SID); err != nil {
			return unavailable("end session", err)
		}
		b.row, b.exists, b.known = row{}, false, nil
		session.ID = ""
		clear(session.Values)
	}
	if len(r.CookiesNamed(session.Name())) > 0 || cookieIsSet(w, session.Name()) {
		setCookie(w, session, "")
	}
	return nil
}

// insert makes the row of a new session.
func (b *bound) insert(r *http.Request, current entries, user string) error {
	next := row{entries: current, version: 1}
	b.begin(r, &next, user)
	data, err := b.encode(next.entries)
	if err != nil {
		return err
	}
	if err := b.rows.insert(r.Context(), next, data); err != nil {
		return unavailable("save session", err)
	}
	b.row, b.exists = next, true
	return nil
}

// update writes the newest row as change leaves it. When another request was
// faster, change works on what that one wrote; when the row is gone nothing is
// written, ever again, in this request.
func (b *bound) update(ctx context.Context, change func(next *row)) error {
	for attempt := range saveAttempts {
		next := b.row
		next.version++
		change(&next)
		data, err := b.encode(next.entries)
		if err != nil {
			return err
		}
		done, err := b.rows.update(ctx, b.row, next, data, b.now())
		if err != nil {
			return unavailable("save session", err)
		}
		if done {
			b.row = next
			return nil
		}
		if err := b.reload(ctx); err != nil {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return unavailable("save session", err)
		}
	}
	return fmt.Errorf("save session: %w", ErrConflict)
}

// reload fetches the row that another request wrote.
func (b *bound) reload(ctx context.Context) error {
	newest, found, err := b.rows.find(ctx, b.row.SID, b.now())
	if err != nil {
		return unavailable("save session", err)
	}
	if !found {
		b.err = ErrEnded
		return fmt.Errorf("save session: %w", ErrEnded)
	}
	newest.token = b.row.token
	b.row = newest
	return nil
}

// pause waits a little longer after every lost race, and never as long as the
// other losers.
func pause(ctx context.Context, attempt int) error {
	limit := time.Millisecond << min(attempt, 6)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(limit)):
		return nil
	}
}

// begin makes next the row of a session that begins now, or that another user
// or the same one again signs into: a new token, a full lifetime.
func (b *bound) begin(r *http.Request, next *row, user string) {
	now := b.now()
	next.token = newToken()
	next.SID, next.secretHash = next.token.sid, next.token.hash()
	if next.CreatedAt.IsZero() || next.UserID != user {
		next.CreatedAt = now
	}
	next.UserID, next.AuthMethod, next.AuthenticatedAt = user, "", time.Time{}
	if user != "" {
		next.AuthMethod, next.AuthenticatedAt = b.method, now
	}
	next.IP = clean(b.opts.ClientIP(r), maxIP)
	next.UserAgent = clean(r.UserAgent(), maxUserAgent)
	next.deadline = now.Add(b.opts.Lifetime)
	b.refresh(next)
}

// refresh records that the session is in use.
func (b *bound) refresh(next *row) {
	now := b.now()
	next.LastSeenAt = now
	next.ExpiresAt = b.expiry(now, next.deadline)
}

// encode gives the entries the form of the column data, within the limit.
func (b *bound) encode(es entries) ([]byte, error) {
	data := es.encode()
	if len(data) > b.opts.MaxBytes {
		return nil, fmt.Errorf("save session: %w: %d bytes, at most %d", ErrTooLarge, len(data), b.opts.MaxBytes)
	}
	return data, nil
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
