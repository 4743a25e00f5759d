package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Issue says which token is to be made; see [Store.Issue].
type Issue struct {
	UserID    string        // whose it is
	Method    string        // Record.AuthMethod of its session
	Label     string        // what the user calls it, up to 64 characters; "" for none
	Lifetime  time.Duration // when it ends, used or not
	IP        string        // of who asked for it
	UserAgent string        // of who asked for it
	AskedIn   string        // sid of the session in which the user asks for it; "" for none
}

// Issue makes a session for a program of a user's and returns the token that is its
// key, which is nowhere else: the database knows only its hash. With [Options].Bearer
// the program presents it as Authorization: Bearer. The session is listed, counted
// and ended like the user's others. Nobody knows when the user last proved who it is,
// so that it is never a recent sign-in.
//
// The token has the form of a cookie's value and is good as one: it is the same key
// to the same session, and what a cookie's session may do, renewal among it, then
// happens to it. A context that is in a transaction (see [InTransaction]) has it made
// there. It returns ErrUnavailable, ErrEnded where the session in which it was asked
// for has ended before the token was written, and an error for an empty or impossible
// user id or a lifetime of nothing.
func (s *Store) Issue(ctx context.Context, issue Issue) (token string, record Record, err error) {
	r, err := s.issued(issue)
	if err != nil {
		return "", Record{}, fmt.Errorf("issue token: %w", err)
	}
	if s.opts.MaxPerUser > 0 && isSID(issue.AskedIn) {
		// It is in use, and so not the one that ends for the token, but its row may not
		// say so for a TouchInterval.
		s.touchNow(ctx, []string{issue.AskedIn}, r.CreatedAt.Add(-time.Microsecond))
	}
	began := time.Now()
	err = s.rows.insert(ctx, r)
	s.observe(ctx, began, Event{Op: OpSave, SID: r.SID, UserID: r.UserID, Count: 1, Err: err})
	if err != nil {
		return "", Record{}, unavailable("issue token", err)
	}
	if err := s.stillAsked(ctx, issue); err != nil {
		_, endErr := s.rows.end(ctx, r) // whose key nobody has
		return "", Record{}, fmt.Errorf("issue token: %w", errors.Join(err, endErr))
	}
	s.endOver(ctx, r.UserID)
	return s.keys[0].sign(r.token), r.Record, nil
}

// stillAsked returns ErrEnded where the session that a token was asked for in is no
// more its user's. It is to look when the token is written: what ended that session
// before could not end the token along with it, and what does so later can.
func (s *Store) stillAsked(ctx context.Context, issue Issue) error {
	if issue.AskedIn == "" {
		return nil
	}
	asker, err := s.look(ctx, issue.AskedIn)
	if errors.Is(err, ErrNotFound) || err == nil && asker.UserID != issue.UserID {
		return ErrEnded
	}
	return err
}

// issued is the row of a token that begins now.
func (s *Store) issued(issue Issue) (r row, err error) {
	if issue.UserID == "" {
		return r, errNoUser
	}
	if !isUserID(issue.UserID) {
		return r, errUserID
	}
	if issue.Lifetime <= 0 {
		return r, errLifetime
	}
	if r.entries, err = encodeValues(map[any]any{s.opts.UserKey: issue.UserID}, s.opts.Transient); err != nil {
		return r, err
	}
	now := s.now()
	r.whole, r.version = true, 1
	s.replaceToken(&r, newToken())
	r.series, r.CreatedAt, r.deadline = r.SID, now, now.Add(issue.Lifetime)
	r.UserID, r.Remembered = issue.UserID, true // which is to live as long, used or not
	r.AuthMethod, r.Label = clean(issue.Method, maxMethod), clean(issue.Label, maxLabel)
	r.IP, r.UserAgent = clean(issue.IP, maxIP), clean(issue.UserAgent, maxUserAgent)
	s.refresh(&r)
	return r, s.encode(&r)
}

var errLifetime = errors.New("the lifetime is not over zero")

// IsBearer reports whether a request presents a token in place of a cookie, be it a
// good one or not: always false without [Options].Bearer.
func (s *Store) IsBearer(r *http.Request) bool {
	return s.opts.Bearer && slices.ContainsFunc(r.Header["Authorization"], func(header string) bool {
		_, ok := cutBearer(header)
		return ok
	})
}

// presented returns what the request presents: its token if it is a bearer's, and
// otherwise the cookie of that name.
func (s *Store) presented(r *http.Request, name string) string {
	if !s.IsBearer(r) {
		return cookieValue(r, name)
	}
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "" // nobody can say which of them is meant
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
