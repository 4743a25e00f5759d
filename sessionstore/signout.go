package sessionstore

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

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
