package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// tokenMethod is the Record.AuthMethod of an access token.
const tokenMethod = "token"

// IssueToken creates an access token for the user of the request's session. It returns the
// token, which clients send as Authorization: Bearer, and the record of its session. Show
// the token to the user now: the database holds only a hash of its secret. label is a name
// that the user chose; up to 64 characters are kept.
//
// A token has a session of its own, which expires after lifetime, used or not. It is
// listed, counted and revoked like the user's other sessions. Its Record.AuthenticatedAt is
// zero, so it never counts as a recent sign-in. Of the values, it has only the user's id. A
// token is also valid as a cookie.
//
// It returns ErrEnded if the request's session has ended, ErrBearer if the request itself
// has an access token, even as a cookie, ErrForeign, ErrUnavailable or ErrConflict, and an
// error for an anonymous session or a lifetime that is not positive. Save a new sign-in first. In the
// transaction of [InTransaction], the token is valid once that is committed.
func (s *Store) IssueToken(r *http.Request, session *sessions.Session, label string, lifetime time.Duration) (token string, record Record, err error) {
	b, err := boundOf(session)
	if err != nil {
		return "", Record{}, wrap("issue token", err)
	}
	next, err := b.tokenRow(r, label, lifetime)
	if err != nil {
		return "", Record{}, wrap("issue token", err)
	}
	if err := b.insertToken(r.Context(), next); err != nil {
		return "", Record{}, wrap("issue token", err)
	}
	return s.keys[0].sign(next.token), next.Record, nil
}

// tokenRow returns the row of a new token.
func (b *bound) tokenRow(r *http.Request, label string, lifetime time.Duration) (next row, err error) {
	switch {
	case b.bearer:
		return next, ErrBearer
	case !b.exists || b.row.UserID == "":
		return next, errors.New("the session has no user: sign in and save it first")
	case lifetime <= 0:
		return next, fmt.Errorf("the lifetime is %s: use more than 0", lifetime)
	}
	if next.entries, err = b.userEntries(); err != nil {
		return next, fmt.Errorf("%w: %w", ErrValue, err)
	}
	now := b.now()
	next.full, next.version = true, 1
	b.replaceToken(&next, newToken())
	next.family, next.CreatedAt, next.deadline = next.SID, now, now.Add(lifetime)
	next.UserID, next.Remembered = b.row.UserID, true // Remembered: no idle timeout
	next.AuthMethod, next.Label = tokenMethod, clean(label, maxLabel)
	next.IP, next.UserAgent = clean(b.opts.ClientIP(r), maxIP), clean(r.UserAgent(), maxUserAgent)
	b.refresh(&next)
	return next, b.encode(&next)
}

// userEntries returns the entries of a session that holds only its user.
func (b *bound) userEntries() (codec.Entries, error) {
	key, user, found := b.userIn(b.session.Values)
	if !found {
		key, user = b.opts.userKeys()[0], b.row.UserID
	}
	return codec.FromValues(map[any]any{key: user}, b.opts.Ignore)
}

func (b *bound) insertToken(ctx context.Context, next row) error {
	if b.opts.MaxPerUser > 0 {
		// The token must not evict the session that issues it, whose last_seen_at may
		// not be written yet.
		b.touchNow(ctx, []string{b.row.SID}, next.CreatedAt.Add(-time.Microsecond))
	}
	began := time.Now()
	err := b.rows.insert(ctx, next)
	b.observe(ctx, began, Event{Op: opSave, SID: next.SID, UserID: next.UserID, Count: 1, Err: err})
	if err != nil {
		return b.unavailable("save session", err)
	}
	if err := b.mayIssue(ctx); err != nil {
		_, endErr := b.rows.revoke(ctx, next) // its token was not returned
		return errors.Join(err, endErr)
	}
	b.evict(ctx, next.UserID)
	return nil
}

// mayIssue returns ErrEnded if the session has ended, and ErrBearer if it is a token's. It
// runs after the token was written: if the user's sessions were revoked before, the token
// was not among them.
func (b *bound) mayIssue(ctx context.Context) error {
	current, err := b.look(ctx, b.row.SID)
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrEnded
	case err != nil:
		return err
	case current.UserID != b.row.UserID:
		return ErrEnded
	case current.AuthMethod == tokenMethod && current.AuthenticatedAt.IsZero():
		return ErrBearer // sent as a cookie
	}
	return nil
}
