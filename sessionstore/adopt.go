package sessionstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// A session of Options.Adopt is adopted once. A redirect row, at a sid made from the
// old cookie, leads from it to the session here until Options.AdoptUntil: requests
// that were sent together find the same session, and after a sign-out the old cookie
// leads nowhere.

// adoptedMethod is the Record.AuthMethod of an adopted session.
const adoptedMethod = "adopted"

// nowhere is what a redirect row leads to whose session ended before it was adopted.
const nowhere = "-"

// adopt loads the session of an old cookie. It leaves the session new if there is none.
func (b *bound) adopt(r *http.Request) error {
	value := cookieValue(r, b.session.Name())
	if b.opts.Adopt == nil || b.bearer || value == "" || !b.now().Before(b.opts.AdoptUntil) {
		return nil
	}
	before, err := b.opts.Adopt.New(r, b.session.Name())
	if isDecodeError(err) || err == nil && (before == nil || before.IsNew) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load session to adopt: %w: %w", ErrUnavailable, err)
	}
	b.adopted = tokenOf(value)
	redirect, found, err := b.rows.read(r.Context(), b.adopted.sid, b.now())
	if err != nil {
		return b.unavailable("load session", err)
	}
	if found {
		return b.loadAdopted(r, redirect)
	}
	return b.take(before)
}

// loadAdopted loads the session that a redirect row leads to, if it is still alive.
func (b *bound) loadAdopted(r *http.Request, redirect row) error {
	t := b.adopted
	b.adopted = token{}
	if !t.matches(redirect.secretHash) {
		return nil
	}
	row, found, err := b.follow(r.Context(), redirect.renewedTo, b.rows.find)
	if err == nil && found {
		err = b.decode(&row)
	}
	return b.loaded(r, row, found, err)
}

// take copies the values of a session that was not adopted before.
func (b *bound) take(before *sessions.Session) (err error) {
	maps.Copy(b.session.Values, before.Values)
	b.known, err = codec.FromValues(b.session.Values, b.opts.Ignore)
	if err != nil {
		return fmt.Errorf("adopt session: %w: %w", ErrValue, err)
	}
	return nil
}

// tokenOf is the token of the redirect row that remembers an old cookie.
func tokenOf(oldCookie string) token {
	sum := sha256.Sum256([]byte("latchkey adopted cookie v1 " + oldCookie))
	return token{sid: base64.RawURLEncoding.EncodeToString(sum[:tokenBytes]), secret: oldCookie}
}

func isDecodeError(err error) bool {
	var decode interface{ IsDecode() bool }
	return errors.As(err, &decode) && decode.IsDecode()
}

// insertAdopted makes the row of a session that is adopted. If another request was
// faster, it makes its changes to that one's row.
func (b *bound) insertAdopted(ctx context.Context, next row, changes codec.Entries) error {
	inserted := false
	err := b.rows.db.inTransaction(ctx, func(ctx context.Context) (err error) {
		if inserted, err = b.rows.insertNew(ctx, b.redirectFrom(b.adopted, next.SID, b.opts.AdoptUntil)); err != nil || !inserted {
			return err
		}
		return b.rows.insert(ctx, next)
	})
	if err != nil {
		return b.unavailable("adopt session", err)
	}
	if inserted {
		b.row, b.exists = next, true
		return nil
	}
	b.row = row{Record: Record{SID: b.adopted.sid}}
	if err := b.reload(ctx); err != nil {
		return err
	}
	b.exists = true
	return b.update(ctx, func(next *row) { next.entries = next.entries.With(changes) }, b.rows.update)
}

// refuseAdoption keeps a session from being adopted that ends in this request.
func (b *bound) refuseAdoption(ctx context.Context) error {
	if b.adopted == (token{}) {
		return nil
	}
	_, err := b.rows.insertNew(ctx, b.redirectFrom(b.adopted, nowhere, b.opts.AdoptUntil))
	if err != nil {
		return b.unavailable("end session", err)
	}
	b.adopted = token{}
	return nil
}
