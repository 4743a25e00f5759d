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

// saveAttempts limits how often Save merges its changes into a row that other requests
// change at the same time. One of them succeeds in each round.
const saveAttempts = 32

// saveTimeout limits one Save with all its attempts.
const saveTimeout = 5 * time.Second

// Save implements sessions.Store; see Store.Save.
func (b *bound) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	signsOut := b.signsOut || session.Options.MaxAge < 0
	if b.err != nil && !(errors.Is(b.err, ErrEnded) && (b.login != nil || signsOut)) {
		return fmt.Errorf("save session: %w", b.err)
	}
	if session != b.session {
		return ErrForeign
	}
	if b.unsure != nil && b.unsure.tx != b.rows.db.transactionOf(r.Context()) {
		b.rolledBack(r, false) // Pop runs a handler again when SQLite was locked
	}
	if session.Options.MaxAge < 0 {
		clear(session.Values)
		return b.signOut(r, w)
	}
	if b.signsOut {
		if err := b.signOut(r, w); err != nil {
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
	if len(current) == 0 && (b.row.UserID != "" && user == "" || b.adopted != (token{}) && len(b.known) > 0) {
		return b.signOut(r, w) // Buffalo's Session.Clear, and what would be adopted again
	}
	return b.save(r, w, current, user)
}

// save writes Values and sets the cookie.
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
	b.known, b.intent = current, intent{}
	if now := b.row.token; now != (token{}) && (now != before || b.resign || b.optionsChanged()) {
		if err := b.setCookie(r.Context(), w); err != nil {
			return err
		}
	}
	b.resign = false
	return nil
}

// write makes the row hold current, if it does not. changes are what this request
// changed.
func (b *bound) write(r *http.Request, current, changes codec.Entries, user string) error {
	switch {
	case !b.exists && len(current) == 0:
		return nil
	case !b.exists && (b.begins(user) || b.renew):
		return b.insert(r, current, changes, user)
	case !b.exists:
		return b.unlessReading(r, changes, b.insert(r, current, changes, user))
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

// unlessReading returns the error of a write if the request changed anything, or if its
// transaction is lost with the write. For a request that only reads, it logs the error: the
// store itself decided to write.
func (b *bound) unlessReading(r *http.Request, changes codec.Entries, err error) error {
	if err == nil || len(changes) > 0 || transactionOf(r.Context()).lostError() != nil {
		return err
	}
	b.err = nil
	if !errors.Is(err, ErrEnded) {
		b.opts.Logger.WarnContext(r.Context(), "session not adopted, renewed or encrypted again; the next request tries again", "error", err)
	}
	return nil
}

// change applies the changes to the newest row.
func (b *bound) change(r *http.Request, changes codec.Entries) error {
	return b.store(r, false, func(ctx context.Context) error {
		return b.update(ctx, func(next *row) { next.entries = next.entries.With(changes) }, b.rows.change)
	})
}

// store runs a write for at most saveTimeout, even if the client disconnects.
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

// forget turns a session that was revoked during a sign-in into a new one: the user has
// just proved their identity, and may have signed in twice. It keeps only the values that
// this request set.
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

// userOf returns the user of the session, as stored in the column user_id.
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

// warnOfUserKey logs once if a session seems to have a user under a key that the store
// does not know. Such a sign-in does not renew the session, which allows session fixation.
func (b *bound) warnOfUserKey(ctx context.Context, changes codec.Entries, user string) {
	if user != "" || len(changes) == 0 {
		return
	}
	for key, value := range b.session.Values {
		name, _ := key.(string)
		if value != nil && (strings.HasSuffix(name, "user_id") || strings.HasSuffix(name, "member_id")) {
			b.warnOnce.Do(func() {
				b.opts.Logger.WarnContext(ctx, "a session may have its user under an unknown key, so that signing in does not renew it: set Options.UserKey to that key", "key", name)
			})
		}
	}
}

// signOut deletes the row, and tells the browser to delete its cookie.
func (b *bound) signOut(r *http.Request, w http.ResponseWriter) error {
	if b.exists || b.adopted != (token{}) {
		if err := b.revokeRow(r); err != nil {
			return err
		}
		b.session.ID = ""
	}
	b.known, b.intent, b.resign = nil, intent{}, false
	name := b.session.Name()
	if !b.bearer && (len(r.CookiesNamed(name)) > 0 || cookieIsSet(w, name)) {
		b.putCookie(w, "", -1)
	}
	return nil
}

func (b *bound) revokeRow(r *http.Request) error {
	ctx, cancel := b.saving(r.Context())
	defer cancel()
	began := time.Now()
	event := Event{Op: opRevoke, SID: b.row.SID, UserID: b.row.UserID}
	revoke := func(ctx context.Context) error {
		n, err := b.revokeNewest(ctx)
		if err != nil {
			return b.unavailable("revoke session", err)
		}
		event.Count = int(n)
		b.err, b.state = nil, state{}
		return nil
	}
	err := b.in(ctx, false, revoke)
	if err == nil && b.unsure != nil {
		b.unsure.signOuts = append(b.unsure.signOuts, revoke)
	}
	event.Err = err
	b.observe(ctx, began, event)
	return err
}

// revokeNewest deletes the session's row, or keeps an old session from being adopted. It
// returns the number of revoked sessions.
func (b *bound) revokeNewest(ctx context.Context) (int64, error) {
	switch {
	case b.exists:
		return b.rows.revoke(ctx, b.row)
	case b.adopted != (token{}):
		return b.refuseAdoption(ctx)
	}
	return 0, nil // the row was inserted in a transaction that was rolled back
}

// insert inserts the row of a new session, or of one that is adopted.
func (b *bound) insert(r *http.Request, current, changes codec.Entries, user string) error {
	next := row{full: true, entries: current, version: 1}
	b.begin(r, &next, user, newToken())
	b.refresh(&next)
	target, inserted, repeated := next.SID, false, false
	if b.begins(user) || b.renew {
		target = nowhere
	}
	err := b.store(r, user != "" && b.begins(user), func(ctx context.Context) (err error) {
		inserted, err = b.insertRow(ctx, next, target)
		if err != nil || inserted || !repeated {
			return err
		}
		return b.update(ctx, func(next *row) { next.entries = next.entries.With(changes) }, b.rows.change)
	})
	repeated = true // if Settle calls it again
	if err != nil || inserted {
		return err
	}
	return b.write(r, current, changes, user)
}

// insertRow inserts a session's row. If another request adopted the session first, it
// loads that row and returns false; see insertAdopted.
func (b *bound) insertRow(ctx context.Context, next row, target string) (inserted bool, err error) {
	if err := b.encode(&next); err != nil {
		return false, err
	}
	if b.adopted != (token{}) {
		inserted, err = b.insertAdopted(ctx, next, target)
	} else if err = b.rows.insert(ctx, next); err != nil {
		err = b.unavailable("save session", err)
	} else {
		b.row, b.exists, inserted = next, true, true
	}
	if inserted {
		b.evict(ctx, b.row.UserID)
	}
	return inserted, err
}

// update applies edit to the newest row. If another request changed the row first, edit is
// applied to the result. If the row was deleted, this request writes nothing more.
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

// putFunc replaces old by next if the row has not changed and is live at now.
type putFunc func(ctx context.Context, old, next row, now time.Time) (done bool, err error)

// reload loads the full row in its newest version.
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
