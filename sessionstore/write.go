package sessionstore

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

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
