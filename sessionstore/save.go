package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
)

// saveAttempts bounds how often Save merges its changes over a row that other
// requests change at the same time. At least one of them succeeds each time.
const saveAttempts = 32

// saveTimeout bounds one Save, all its attempts together.
const saveTimeout = 5 * time.Second

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
		b.refresh(next, b.now())
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
	b.refresh(next, now)
}

// refresh records that the session is in use at now.
func (b *bound) refresh(next *row, now time.Time) {
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
