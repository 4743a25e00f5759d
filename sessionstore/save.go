package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// saveAttempts bounds how often Save merges its changes over a row that other
// requests change at the same time. At least one of them succeeds each time.
const saveAttempts = 32

// saveTimeout bounds one Save, all its attempts together.
const saveTimeout = 5 * time.Second

// Save implements sessions.Store; see Store.Save.
func (b *bound) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if b.err != nil && !(b.login != nil && errors.Is(b.err, ErrEnded)) {
		return fmt.Errorf("save session: %w", b.err)
	}
	if session != b.session {
		return ErrForeign
	}
	if b.unsure != nil && b.unsure.tx != transactionOf(r.Context()) {
		b.rolledBack() // Pop runs a handler again when SQLite was locked
	}
	if session.Options.MaxAge < 0 {
		clear(session.Values)
		return b.end(r, w)
	}
	if b.signsOut {
		if err := b.end(r, w); err != nil {
			return err
		}
	}
	current, err := codec.FromValues(session.Values, b.opts.Ignore)
	if err != nil {
		return fmt.Errorf("save session: %w: %w", ErrValue, err)
	}
	user, err := b.userOf(session)
	if err != nil {
		return err
	}
	if b.row.UserID != "" && user == "" && len(current) == 0 {
		return b.end(r, w) // Buffalo's Session.Clear
	}
	return b.save(r, w, current, user)
}

// save writes what Values hold and sets the cookie.
func (b *bound) save(r *http.Request, w http.ResponseWriter, current codec.Entries, user string) error {
	changes := b.known.ChangesTo(current)
	begins := b.begins(user)
	if b.bearer && (begins || b.renew || !b.exists && len(changes) > 0) {
		return fmt.Errorf("save session: %w", ErrBearer)
	}
	b.warnOfUserKey(r.Context(), changes, user)
	before := b.row.token
	err := b.write(r, current, changes, user)
	if errors.Is(err, ErrEnded) && begins && user != "" && (b.login != nil || b.row.UserID == "") {
		if err := b.forget(changes); err != nil {
			return err
		}
		return b.Save(r, w, b.session)
	}
	if err != nil {
		return err
	}
	b.session.ID = b.row.SID
	if now := b.row.token; now != (token{}) && (now != before || b.resign || b.optionsChanged()) {
		b.setCookie(w)
	}
	b.known, b.resign, b.intent = current, false, intent{}
	return nil
}

// write brings the row up to date with current, if it is not, by the changes that
// lead there from what the request found.
func (b *bound) write(r *http.Request, current, changes codec.Entries, user string) error {
	switch {
	case !b.exists && len(current) == 0:
		return nil
	case !b.exists:
		return b.insert(r, current, changes, user)
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

// unlessReading returns the error of a write, but not to a request that only reads:
// it did not ask for the write.
func (b *bound) unlessReading(r *http.Request, changes codec.Entries, err error) error {
	if err == nil || len(changes) > 0 {
		return err
	}
	b.err = nil
	if !errors.Is(err, ErrEnded) {
		b.opts.Logger.WarnContext(r.Context(), "session not renewed or encrypted again; the next request tries again", "error", err)
	}
	return nil
}

// change makes the changes to the newest row.
func (b *bound) change(r *http.Request, changes codec.Entries) error {
	return b.store(r, false, func(ctx context.Context) error {
		return b.update(ctx, func(next *row) { next.entries = next.entries.With(changes) }, b.rows.change)
	})
}

// store runs a write, even if the client leaves, for at most saveTimeout.
func (b *bound) store(r *http.Request, signsIn bool, write func(context.Context) error) error {
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	began := time.Now()
	err := b.in(ctx, signsIn, write)
	b.observe(ctx, began, Event{Op: opSave, SID: b.row.SID, UserID: b.row.UserID, Count: 1, Err: err})
	return err
}

func (b *bound) saving(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
}

// forget makes a new session of one that ended while a user signed in to it, perhaps
// because of another sign-in: the user has just proved who they are. It keeps what
// this request set, and nothing of the ended session.
func (b *bound) forget(changes codec.Entries) error {
	key, user, _ := b.userIn(b.session.Values)
	for _, e := range b.known {
		if _, changed := changes.Find(e.Key); changed {
			continue
		}
		key, err := codec.DecodeValue(e.Key)
		if err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		delete(b.session.Values, key)
	}
	b.session.Values[key] = user
	b.err, b.state = nil, state{}
	return nil
}

// userIn finds the user's id in Values.
func (s *Store) userIn(values map[any]any) (key, user any, found bool) {
	for _, key := range s.opts.userKeys() {
		if user, found := values[key]; found && user != nil {
			return key, user, true
		}
	}
	return nil, nil, false
}

// userOf returns the user in the session as the column user_id has it.
func (b *bound) userOf(session *sessions.Session) (string, error) {
	_, v, found := b.userIn(session.Values)
	if !found && b.row.UserID != "" && !b.knowsUser() {
		return b.row.UserID, nil // a value that only another program can decode
	}
	if !found {
		return "", nil
	}
	user := fmt.Sprint(v)
	if !isUserID(user) {
		return "", fmt.Errorf("save session: %w: %w", ErrValue, errUserID)
	}
	return user, nil
}

// knowsUser reports whether the row's user was in Values.
func (b *bound) knowsUser() bool {
	for _, userKey := range b.opts.userKeys() {
		key, err := codec.AppendValue(nil, userKey)
		if err != nil {
			return true
		}
		if _, found := b.known.Find(key); found {
			return true
		}
	}
	return false
}

// warnOfUserKey logs, once, that a session seems to hold a user under a key that the
// store does not know: such a sign-in renews nothing, which is session fixation.
func (b *bound) warnOfUserKey(ctx context.Context, changes codec.Entries, user string) {
	if user != "" || len(changes) == 0 {
		return
	}
	for key, value := range b.session.Values {
		name, _ := key.(string)
		if value != nil && (strings.HasSuffix(name, "user_id") || strings.HasSuffix(name, "member_id")) {
			b.warnOnce.Do(func() {
				b.opts.Logger.WarnContext(ctx, "the session has no user: set Options.UserKey to the key of the user's id, or signing in does not renew the session", "key", name)
			})
		}
	}
}

// end deletes the row, and tells the browser to delete its cookie.
func (b *bound) end(r *http.Request, w http.ResponseWriter) error {
	if b.exists {
		if err := b.endRow(r); err != nil {
			return err
		}
		b.session.ID = ""
	}
	if err := b.refuseAdoption(r.Context()); err != nil {
		return err
	}
	b.known, b.intent, b.resign = nil, intent{}, false
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
	event := Event{Op: opRevoke, SID: b.row.SID, UserID: b.row.UserID}
	err := b.in(ctx, false, func(ctx context.Context) error {
		n, err := b.rows.end(ctx, b.row)
		if err != nil {
			return b.unavailable("end session", err)
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
func (b *bound) insert(r *http.Request, current, changes codec.Entries, user string) error {
	next := row{full: true, entries: current, version: 1}
	b.begin(r, &next, user, newToken())
	b.refresh(&next)
	return b.store(r, user != "", func(ctx context.Context) error {
		if err := b.encode(&next); err != nil {
			return err
		}
		if b.adopted != (token{}) {
			return b.insertAdopted(ctx, next, changes)
		}
		if err := b.rows.insert(ctx, next); err != nil {
			return b.unavailable("save session", err)
		}
		b.row, b.exists = next, true
		b.endOver(ctx, b.row.UserID)
		return nil
	})
}

// update writes the newest row as edit leaves it. When another request was faster,
// edit works on what that one wrote. When the row is gone, nothing is written in this
// request any more.
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
			return b.unavailable("save session", err)
		}
		if done {
			b.row = next
			return nil
		}
		b.observe(ctx, time.Now(), Event{Op: opConflict, SID: b.row.SID, UserID: b.row.UserID, Count: 1})
		if err := b.reload(ctx); err != nil {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return b.unavailable("save session", err)
		}
	}
	return fmt.Errorf("save session: %w", ErrConflict)
}

// rewrite is update for an edit that needs the full row.
func (b *bound) rewrite(ctx context.Context, edit func(next *row), put putFunc) error {
	if !b.row.full {
		if err := b.reload(ctx); err != nil {
			return err
		}
	}
	return b.update(ctx, edit, put)
}

// putFunc replaces old by next if old is still what is there, and alive at now.
type putFunc func(ctx context.Context, old, next row, now time.Time) (done bool, err error)

// reload fetches the full row, as others left it.
func (b *bound) reload(ctx context.Context) error {
	token := b.row.token
	newest, found, err := b.follow(ctx, b.row.SID, b.rows.findNewest)
	if err == nil && found {
		err = b.decode(&newest)
	}
	if err != nil {
		return b.unavailable("save session", err)
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
