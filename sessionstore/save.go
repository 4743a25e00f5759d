package sessionstore

import (
	"context"
	"errors"
	"fmt"
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
	if b.err != nil && !(b.signsIn && errors.Is(b.err, ErrEnded)) {
		return fmt.Errorf("save session: %w", b.err)
	}
	if session != b.session {
		return ErrForeign
	}
	if b.unsure != nil && b.unsure.tx != transactionOf(r.Context()) {
		b.rolledBack() // Pop runs a handler again when SQLite was locked
	}
	if session.Options.MaxAge < 0 {
		return b.end(r, w)
	}
	current, err := encodeValues(session.Values, b.opts.Transient)
	if err != nil {
		return err
	}
	user, err := b.userOf(session)
	if err != nil {
		return err
	}
	if b.row.UserID != "" && user == "" && len(current) == 0 {
		SignOut(session) // in Buffalo's way: Session.Clear
		return b.end(r, w)
	}
	changes := b.known.changesTo(current)
	if b.bearer && (b.begins(user) || b.renew || !b.exists && len(changes) > 0) {
		return fmt.Errorf("save session: %w", ErrBearer)
	}
	before, begins := b.row.token, b.begins(user)
	err = b.write(r, current, changes, user)
	if errors.Is(err, ErrEnded) && begins && user != "" && (b.signsIn || b.row.UserID == "") {
		if err := b.forget(changes); err != nil {
			return err
		}
		return b.Save(r, w, session)
	}
	if err != nil {
		return err
	}
	session.ID = b.row.SID
	if now := b.row.token; now != (token{}) && (now != before || b.resign) {
		b.setCookie(w)
	}
	b.known, b.resign, b.intent = current, false, intent{}
	return nil
}

// write brings the row up to date with current, if it is not: by the changes
// that lead there from what the request found.
func (b *bound) write(r *http.Request, current, changes entries, user string) error {
	switch {
	case !b.exists && len(changes) == 0:
		return nil
	case !b.exists:
		return b.insert(r, current, user)
	case b.begins(user):
		return b.beginAgain(r, current, changes, user)
	case b.renew:
		return b.renewAtOnce(r, changes)
	case !b.bearer && b.renewalDue(b.row):
		return b.unlessReading(r, changes, b.renewGracefully(r, changes))
	case len(changes) > 0, b.row.stale:
		return b.unlessReading(r, changes, b.change(r, changes))
	}
	return nil
}

// unlessReading returns the error of a write, but not to a request that only
// reads: it asked for no write, and needs none.
func (b *bound) unlessReading(r *http.Request, changes entries, err error) error {
	if err == nil || len(changes) > 0 {
		return err
	}
	b.err = nil
	if !errors.Is(err, ErrEnded) {
		b.opts.Logger.WarnContext(r.Context(), "a session was not renewed or encrypted anew; the next request tries again", "error", err)
	}
	return nil
}

// change makes the changes to the newest row.
func (b *bound) change(r *http.Request, changes entries) error {
	return b.store(r, false, func(ctx context.Context) error {
		return b.update(ctx, func(next *row) { next.entries = next.entries.with(changes) }, b.rows.change)
	})
}

// store runs a write that is not to be broken off by a client that leaves, nor
// held for ever by a database that hangs.
func (b *bound) store(r *http.Request, signsIn bool, write func(context.Context) error) error {
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	began := time.Now()
	err := b.in(ctx, signsIn, write)
	b.observe(ctx, began, Event{Op: OpSave, SID: b.row.SID, UserID: b.row.UserID, Count: 1, Err: err})
	return err
}

func (b *bound) saving(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
}

// forget makes a new session of one that ended while a user signed in to it,
// perhaps by a sign-in beside this one: the user has just proved who it is.
// What the request itself set goes along, and nothing of the ended session.
func (b *bound) forget(changes entries) error {
	user := b.session.Values[b.opts.UserKey]
	for _, e := range b.known {
		if _, changed := changes.find(e.key); changed {
			continue
		}
		key, err := decodeValue(e.key)
		if err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		delete(b.session.Values, key)
	}
	b.session.Values[b.opts.UserKey] = user
	b.err, b.state = nil, state{}
	return nil
}

// userOf returns the user in the session as the column user_id has it.
func (b *bound) userOf(session *sessions.Session) (string, error) {
	v, ok := session.Values[b.opts.UserKey]
	if !ok && b.row.UserID != "" && !b.knowsUser() {
		return b.row.UserID, nil // by a value that only another program can read
	}
	if !ok || v == nil {
		return "", nil
	}
	user := fmt.Sprint(v)
	if !isUserID(user) {
		return "", &ValueError{Key: b.opts.UserKey, Err: errUserID}
	}
	return user, nil
}

// knowsUser reports whether the row's user is among what Values held.
func (b *bound) knowsUser() bool {
	key, err := appendValue(nil, b.opts.UserKey)
	if err != nil {
		return true
	}
	_, found := b.known.find(key)
	return found
}

// end deletes the row and what the session held, and tells the browser to drop
// whatever it has.
func (b *bound) end(r *http.Request, w http.ResponseWriter) error {
	if b.exists {
		if err := b.endRow(r); err != nil {
			return err
		}
		b.session.ID = ""
		clear(b.session.Values)
	}
	name := b.session.Name()
	if !b.bearer && (len(r.CookiesNamed(name)) > 0 || cookieIsSet(w, name)) {
		setCookie(w, b.session, "", -1)
	}
	return nil
}

func (b *bound) endRow(r *http.Request) error {
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	began := time.Now()
	event := Event{Op: OpEnd, SID: b.row.SID, UserID: b.row.UserID}
	err := b.in(ctx, false, func(ctx context.Context) error {
		n, err := b.rows.end(ctx, b.row)
		if err != nil {
			return unavailable("end session", err)
		}
		event.Count = int(n)
		b.state = state{}
		return nil
	})
	event.Err = err
	b.observe(ctx, began, event)
	return err
}

// insert makes the row of a new session.
func (b *bound) insert(r *http.Request, current entries, user string) error {
	next := row{whole: true, entries: current, version: 1}
	b.begin(r, &next, user, newToken())
	b.refresh(&next)
	return b.store(r, user != "", func(ctx context.Context) error {
		if err := b.encode(&next); err != nil {
			return err
		}
		if err := b.rows.insert(ctx, next); err != nil {
			return unavailable("save session", err)
		}
		b.row, b.exists = next, true
		b.endOver(ctx, b.row.UserID)
		return nil
	})
}

// update writes the newest row as edit leaves it. When another request was
// faster, edit works on what that one wrote; when the row is gone nothing is
// written, ever again, in this request.
func (b *bound) update(ctx context.Context, edit func(next *row), put putFunc) error {
	for attempt := range saveAttempts {
		next := b.row
		next.version++
		edit(&next)
		b.refresh(&next)
		if err := b.encode(&next); err != nil {
			return err
		}
		done, err := put(ctx, b.row, next, b.now())
		if err != nil {
			return unavailable("save session", err)
		}
		if done {
			b.row = next
			return nil
		}
		b.observe(ctx, time.Now(), Event{Op: OpConflict, SID: b.row.SID, UserID: b.row.UserID, Count: 1})
		if err := b.reload(ctx); err != nil {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return unavailable("save session", err)
		}
	}
	return fmt.Errorf("save session: %w", ErrConflict)
}

// rewrite is update for an edit that needs the whole row.
func (b *bound) rewrite(ctx context.Context, edit func(next *row), put putFunc) error {
	if !b.row.whole {
		if err := b.reload(ctx); err != nil {
			return err
		}
	}
	return b.update(ctx, edit, put)
}

// putFunc replaces old by next if old is still what is there, and alive at now.
type putFunc func(ctx context.Context, old, next row, now time.Time) (done bool, err error)

// reload fetches the whole row, as others left it.
func (b *bound) reload(ctx context.Context) error {
	token := b.row.token
	newest, found, err := b.follow(ctx, b.row.SID, b.rows.findNewest)
	if err == nil && found {
		err = b.decode(&newest)
	}
	if err != nil {
		return unavailable("save session", err)
	}
	if !found {
		b.err = ErrEnded
		return fmt.Errorf("save session: %w", ErrEnded)
	}
	if newest.SID == token.sid {
		newest.token = token
	}
	b.row = newest
	return nil
}
