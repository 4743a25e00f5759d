package sessionstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// A session of Options.Adopt is adopted only once. Until Options.AdoptUntil, a redirect
// row points from the old session to the adopted one, so that concurrent requests with
// the old cookie find the same session. Its sid is a hash of the old session. After a
// sign-in or a sign-out it points nowhere.

// adoptedMethod is the Record.AuthMethod of an adopted session.
const adoptedMethod = "adopted"

// nowhere is the target of a redirect row whose old cookie must not work any more.
const nowhere = "-"

// adopt loads the session of an old cookie, if there is one.
func (b *bound) adopt(r *http.Request) error {
	value := cookieValue(r, b.session.Name())
	if b.opts.Adopt == nil || b.bearer || value == "" || !b.now().Before(b.opts.AdoptUntil) {
		return nil
	}
	before, err := b.opts.Adopt.New(r, b.session.Name())
	if isNoSession(err) || err == nil && (before == nil || before.IsNew) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load session to adopt: %w: %w", ErrUnavailable, err)
	}
	t := redirectToken(before, value)
	redirect, found, err := b.rows.read(r.Context(), t.sid, b.now())
	if err != nil {
		return b.unavailable("load session", err)
	}
	if found {
		return b.loadAdopted(r, t, redirect)
	}
	b.take(r.Context(), before, t)
	return nil
}

// isNoSession reports whether an error of the old store means that the cookie is forged,
// expired or damaged, or that its session does not exist.
func isNoSession(err error) bool {
	var decode interface{ IsDecode() bool } // securecookie.Error
	return errors.As(err, &decode) && decode.IsDecode() || errors.Is(err, fs.ErrNotExist) || errors.Is(err, sql.ErrNoRows)
}

// redirectToken returns the token of an old session's redirect row. It is made from the
// cookie or, in a store that keeps sessions on the server and sets many cookies for one
// session, from the session's ID.
func redirectToken(before *sessions.Session, cookie string) token {
	label, secret := "latchkey adopted cookie v1 ", respell(cookie)
	if before.ID != "" {
		label, secret = "latchkey adopted session v1 ", before.ID
	}
	sum := sha256.Sum256([]byte(label + secret))
	return token{sid: base64.RawURLEncoding.EncodeToString(sum[:tokenBytes]), secret: secret}
}

// respell returns the usual spelling of a cookie in base64. Gorilla's stores also accept
// others: the last character may have unused bits, which could make a copy of a cookie
// look like one that was never adopted.
func respell(cookie string) string {
	b, err := base64.URLEncoding.DecodeString(cookie)
	if err != nil {
		return cookie
	}
	return base64.URLEncoding.EncodeToString(b)
}

// loadAdopted loads the session that a redirect row points to, if it is still live.
func (b *bound) loadAdopted(r *http.Request, t token, redirect row) error {
	if !t.matches(redirect.secretHash) {
		return nil
	}
	row, found, err := b.follow(r.Context(), redirect.renewedTo, b.rows.find)
	if err == nil && found {
		err = b.decode(&row)
	}
	return b.loaded(r, row, found, err)
}

// take copies the values of a session that was not adopted before. A value that cannot
// be stored must not lock its user out: it is left out, or the session is not adopted.
func (b *bound) take(ctx context.Context, before *sessions.Session, t token) {
	for key, value := range before.Values {
		switch entries, err := codec.FromValues(map[any]any{key: value}, b.opts.Ignore); {
		case err != nil:
			b.opts.Logger.WarnContext(ctx, "a value of an old session cannot be stored: left out", "error", err)
		case len(entries) > 0:
			b.session.Values[key] = value
		}
	}
	known, user, err := b.storable()
	if err != nil {
		b.opts.Logger.ErrorContext(ctx, "an old session cannot be stored: not adopted", "error", err)
		clear(b.session.Values)
		return
	}
	b.known, b.row.UserID, b.adopted = known, user, t
	b.session.IsNew = false
}

// storable returns the entries and the user of Values, or an error if they cannot be
// stored.
func (b *bound) storable() (entries codec.Entries, user string, err error) {
	if entries, err = codec.FromValues(b.session.Values, b.opts.Ignore); err != nil {
		return nil, "", err
	}
	if err := b.encode(&row{entries: entries}); err != nil {
		return nil, "", err
	}
	user, err = b.userOf(b.session)
	return entries, user, err
}

// insertAdopted inserts the row of a session that is adopted, and a redirect row that
// points to target. If another request adopted the session first, it loads the row of
// that one and returns false.
func (b *bound) insertAdopted(ctx context.Context, next row, target string) (inserted bool, err error) {
	redirect := b.redirectFrom(b.adopted, target, b.opts.AdoptUntil)
	err = b.rows.db.inTransaction(ctx, func(ctx context.Context) (err error) {
		if inserted, err = b.rows.insertNew(ctx, redirect); err != nil || !inserted {
			return err
		}
		return b.rows.insert(ctx, next)
	})
	if err != nil {
		return false, b.unavailable("adopt session", err)
	}
	if inserted {
		b.row, b.exists, b.adopted = next, true, token{}
		return true, nil
	}
	return false, b.join(ctx)
}

// join loads the session that another request adopted.
func (b *bound) join(ctx context.Context) error {
	newest, found, err := b.follow(ctx, b.adopted.sid, b.rows.findNewest)
	if err == nil && found {
		err = b.decode(&newest)
	}
	if err != nil {
		return b.unavailable("adopt session", err)
	}
	if !found {
		b.err = ErrEnded
		return fmt.Errorf("adopt session: %w", ErrEnded)
	}
	b.row, b.exists, b.adopted = newest, true, token{}
	return nil
}

// refuseAdoption keeps the old session from being adopted. If another request has already
// adopted it, it revokes the adopted one. It returns the number of revoked sessions.
func (b *bound) refuseAdoption(ctx context.Context) (int64, error) {
	inserted, err := b.rows.insertNew(ctx, b.redirectFrom(b.adopted, nowhere, b.opts.AdoptUntil))
	if err != nil || inserted {
		return 1, err
	}
	adopted, found, err := b.follow(ctx, b.adopted.sid, b.rows.findNewest)
	if err != nil || !found {
		return 0, err
	}
	return b.rows.revoke(ctx, adopted)
}
