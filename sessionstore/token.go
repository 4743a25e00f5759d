package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// tokenMethod is the Record.AuthMethod of an access token.
const tokenMethod = "token"

// IssueToken makes an access token for the user of the request's session, with a label
// of up to 64 characters that the user chose, and returns it. The database knows only
// its hash. With [Options].Bearer, programs send it as Authorization: Bearer.
//
// Behind the token is a session of its own, which lasts for lifetime, used or not, and
// is listed, counted and revoked like the user's others. When its user authenticated is
// unknown, so it never counts as a recent sign-in. It returns ErrEnded if the request's
// session has ended, ErrBearer for a request with an access token, ErrForeign,
// ErrUnavailable, and an error for an anonymous session or a lifetime that is not
// positive. A request in a transaction (see [InTransaction]) issues the token in it.
//
// A token is also valid as a cookie.
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

// tokenRow is the row of a token that is issued now.
func (b *bound) tokenRow(r *http.Request, label string, lifetime time.Duration) (next row, err error) {
	switch {
	case b.bearer:
		return next, ErrBearer
	case b.row.UserID == "":
		return next, errors.New("no user is signed in")
	case lifetime <= 0:
		return next, fmt.Errorf("the lifetime is %s, want more than 0", lifetime)
	}
	if next.entries, err = b.userEntries(); err != nil {
		return next, fmt.Errorf("%w: %w", ErrValue, err)
	}
	now := b.now()
	next.full, next.version = true, 1
	b.replaceToken(&next, newToken())
	next.family, next.CreatedAt, next.deadline = next.SID, now, now.Add(lifetime)
	next.UserID, next.Remembered = b.row.UserID, true // so that it lasts that long, used or not
	next.AuthMethod, next.Label = tokenMethod, clean(label, maxLabel)
	next.IP, next.UserAgent = clean(b.opts.ClientIP(r), maxIP), clean(r.UserAgent(), maxUserAgent)
	b.refresh(&next)
	return next, b.encode(&next)
}

// userEntries are the entries of a session that holds its user alone.
func (b *bound) userEntries() (codec.Entries, error) {
	key, user, found := b.userIn(b.session.Values)
	if !found {
		key, user = b.opts.userKeys()[0], b.row.UserID
	}
	return codec.FromValues(map[any]any{key: user}, b.opts.Ignore)
}

func (b *bound) insertToken(ctx context.Context, next row) error {
	if b.opts.MaxPerUser > 0 {
		// The session in use must not be revoked for its own token, although its row
		// may not say yet that it was just used.
		b.touchNow(ctx, []string{b.row.SID}, next.CreatedAt.Add(-time.Microsecond))
	}
	began := time.Now()
	err := b.rows.insert(ctx, next)
	b.observe(ctx, began, Event{Op: opSave, SID: next.SID, UserID: next.UserID, Count: 1, Err: err})
	if err != nil {
		return b.unavailable("save session", err)
	}
	if err := b.stillAlive(ctx); err != nil {
		_, endErr := b.rows.end(ctx, next) // its token was not returned
		return errors.Join(err, endErr)
	}
	b.endOver(ctx, next.UserID)
	return nil
}

// stillAlive returns ErrEnded if the session has ended. It looks after a token was
// written: what ended the session before that could not revoke the token along with it,
// and what ends it later can.
func (b *bound) stillAlive(ctx context.Context) error {
	asking, err := b.look(ctx, b.row.SID)
	if errors.Is(err, ErrNotFound) || err == nil && asking.UserID != b.row.UserID {
		return ErrEnded
	}
	return err
}

// IsBearer reports whether a request has an access token, valid or not, in place of a
// cookie. It is always false without [Options].Bearer.
func (s *Store) IsBearer(r *http.Request) bool {
	return s.opts.Bearer && slices.ContainsFunc(r.Header["Authorization"], func(header string) bool {
		_, ok := cutBearer(header)
		return ok
	})
}

// presented returns the request's access token if it has one, and otherwise its cookie
// of that name.
func (s *Store) presented(r *http.Request, name string) string {
	if !s.IsBearer(r) {
		return cookieValue(r, name)
	}
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "" // nothing tells which of them is meant
	}
	token, _ := cutBearer(headers[0])
	return token
}

// cutBearer returns the token of an Authorization header. The scheme is written in
// any case, and spaces follow (RFC 9110, 11.4).
func cutBearer(header string) (token string, ok bool) {
	scheme, token := header, ""
	if i := strings.IndexAny(header, " \t,"); i >= 0 {
		scheme, token = header[:i], header[i:]
	}
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer")
}
