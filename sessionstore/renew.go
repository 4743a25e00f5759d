package sessionstore

import (
	"context"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// renewalGrace is how long an old cookie still works after a renewal by
// Options.RenewAfter, for requests that the browser sent before it got the new one.
const renewalGrace = 30 * time.Second

// beginAgain starts an existing session anew for user. If it was another user's, it
// keeps only this request's values, because the row may have more of the other user's.
func (b *bound) beginAgain(r *http.Request, current, changes codec.Entries, user string) error {
	t := newToken()
	switched := b.row.UserID != "" && b.row.UserID != user
	return b.store(r, user != "", func(ctx context.Context) error {
		err := b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.With(changes)
			if switched {
				next.entries = current
			}
			b.begin(r, next, user, t)
		}, b.rows.update)
		if err != nil {
			return err
		}
		b.evict(ctx, b.row.UserID)
		return nil
	})
}

// begin starts the session in next now, for user: with a new token and a full lifetime.
func (b *bound) begin(r *http.Request, next *row, user string, t token) {
	now := b.now()
	b.replaceToken(next, t)
	if next.UserID != user || next.family == "" {
		next.CreatedAt, next.family = now, t.sid
		next.Remembered = false
	}
	next.UserID, next.Label = user, ""
	b.authenticate(next, user)
	next.IP = clean(b.opts.ClientIP(r), maxIP)
	next.UserAgent = clean(r.UserAgent(), maxUserAgent)
	next.deadline = now.Add(b.opts.Lifetime)
	if next.Remembered {
		next.deadline = now.Add(b.opts.RememberLifetime)
	}
}

// authenticate sets how and when the user signed in.
func (b *bound) authenticate(next *row, user string) {
	next.AuthMethod, next.AuthenticatedAt = "", time.Time{}
	next.providerSession, next.providerSubject = "", ""
	login := b.login
	switch {
	case user == "":
		return
	case login == nil && b.adopted != (token{}) && user == b.row.UserID:
		next.AuthMethod = adoptedMethod // the time of the sign-in is unknown
		return
	case login == nil: // the program set the user key itself
		login = &Login{}
	}
	next.Remembered = login.Remember || next.Remembered && !b.forgets
	next.AuthMethod = login.Method
	next.providerSession, next.providerSubject = login.ProviderSession, login.ProviderSubject
	switch at, now := login.AuthenticatedAt, b.now(); {
	case at.IsZero(), at.After(now):
		next.AuthenticatedAt = now
	case at.After(UnknownTime):
		next.AuthenticatedAt = at.UTC().Truncate(time.Microsecond)
	}
}

// replaceToken gives next the sid and the secret of t.
func (s *Store) replaceToken(next *row, t token) {
	next.token = t
	hash := t.hash()
	next.SID, next.secretHash = t.sid, string(hash[:])
	next.renewedAt = s.now()
}

// refresh records that the session is in use now. If the row is not full, its deadline is
// unknown; queryChange applies it.
func (s *Store) refresh(next *row) {
	next.LastSeenAt = s.now()
	next.ExpiresAt = next.LastSeenAt.Add(s.opts.IdleTimeout)
	if next.full && (next.Remembered || next.deadline.Before(next.ExpiresAt)) {
		next.ExpiresAt = next.deadline
	}
}

// renewAtOnce gives the session a new sid and secret; the old ones stop working.
func (b *bound) renewAtOnce(r *http.Request, changes codec.Entries) error {
	t := newToken()
	return b.store(r, false, func(ctx context.Context) error {
		return b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.With(changes)
			b.replaceToken(next, t)
		}, b.rows.update)
	})
}

// renewGracefully renews the session, and lets the old cookie work for renewalGrace. If
// several requests try at the same time, only the first renews the session, and only
// its response has the new cookie.
func (b *bound) renewGracefully(r *http.Request, changes codec.Entries) error {
	t := newToken()
	return b.store(r, false, func(ctx context.Context) error {
		return b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.With(changes)
			if b.renewalDue(*next) {
				b.replaceToken(next, t)
			}
		}, b.updateLeavingRedirect)
	})
}

// updateLeavingRedirect is update that leaves a redirect row at the old sid, if the sid
// changes.
func (b *bound) updateLeavingRedirect(ctx context.Context, old, next row, now time.Time) (bool, error) {
	if next.SID == old.SID {
		return b.rows.update(ctx, old, next, now)
	}
	redirect := b.redirectFrom(token{sid: old.SID}, next.SID, now.Add(renewalGrace))
	redirect.secretHash = old.secretHash
	return b.rows.updateLeaving(ctx, old, next, redirect, now)
}

// redirectFrom returns a redirect row from a token to the session with a sid, which
// expires at until.
func (s *Store) redirectFrom(t token, sid string, until time.Time) row {
	hash := t.hash()
	r := row{secretHash: string(hash[:]), renewedTo: sid, data: []byte{}, deadline: until.UTC()}
	r.SID, r.CreatedAt, r.LastSeenAt, r.ExpiresAt = t.sid, s.now(), s.now(), r.deadline
	return r
}

// evict revokes the user's sessions over Options.MaxPerUser. Failing to evict older
// sessions must not fail the sign-in; the next one tries again.
func (s *Store) evict(ctx context.Context, userID string) {
	for more := s.opts.MaxPerUser > 0 && userID != ""; more; {
		began := time.Now()
		n, err := s.evictBatch(ctx, userID)
		if err != nil {
			s.opts.Logger.WarnContext(ctx, "sessions over Options.MaxPerUser not revoked", "user", userID, "error", err)
		}
		if err != nil || n > 0 {
			s.observe(ctx, began, Event{Op: opRevoke, UserID: userID, Count: int(n), Err: err})
		}
		more = n == batchSize
	}
}

// evictBatch revokes up to a batch of the sessions over Options.MaxPerUser.
func (s *Store) evictBatch(ctx context.Context, userID string) (int64, error) {
	excess, err := s.rows.excess(ctx, userID, s.opts.MaxPerUser, s.now())
	if err != nil || len(excess) == 0 {
		return 0, err
	}
	return s.rows.execIn(ctx, queryEvict, excess, userID)
}
