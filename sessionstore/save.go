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

// putFunc replaces old by next if the row has not changed and is live at now.
type putFunc func(ctx context.Context, old, next row, now time.Time) (done bool, err error)

// begins reports whether the session starts anew for user: a sign-in, or another user
// than in the row.
func (b *bound) begins(user string) bool {
	return b.login != nil || user != b.row.UserID
}

// renewalDue reports whether the sid of r is older than RenewAfter.
func (s *Store) renewalDue(r row) bool {
	return s.opts.RenewAfter > 0 && r.UserID != "" && s.now().Sub(r.renewedAt) >= s.opts.RenewAfter
}

// userKeys are the keys in Values that may hold the user's id.
func (o Options) userKeys() []any {
	if o.UserKey != nil {
		return []any{o.UserKey}
	}
	return userKeys
}
