package sessionstore

import (
	"context"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// renewalGrace is how long an old sid and secret still work after a renewal by
// Options.RenewAfter: long enough for the requests of a page that were sent before
// the browser got the new ones.
const renewalGrace = 30 * time.Second

// begins reports whether user begins a session, or another part of one.
func (b *bound) begins(user string) bool {
	return b.login != nil || user != b.row.UserID
}

// beginAgain has user sign in to, or out of, the session that there is. What
// others wrote for another user, or what this program cannot decode, is not for
// this one.
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
		b.endOver(ctx, b.row.UserID)
		return nil
	})
}

// begin makes next the row of a session that begins now, or that another user
// or the same one again signs in to: a new token, a full lifetime.
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

// authenticate writes down how and when the user signed in.
func (b *bound) authenticate(next *row, user string) {
	next.AuthMethod, next.AuthenticatedAt = "", time.Time{}
	next.providerSession, next.providerSubject = "", ""
	login := b.login
	switch {
	case user == "":
		return
	case login == nil && b.adopted != (token{}):
		next.AuthMethod = adoptedMethod // nobody can tell when the user signed in
		return
	case login == nil: // the program set the user key itself
		login = &Login{}
	}
	next.Remembered = next.Remembered || login.Remember
	next.AuthMethod = login.Method
	next.providerSession, next.providerSubject = login.ProviderSession, login.ProviderSubject
	switch at := login.AuthenticatedAt; {
	case at.IsZero():
		next.AuthenticatedAt = b.now()
	case !at.Equal(UnknownTime):
		next.AuthenticatedAt = at.UTC().Truncate(time.Microsecond)
	}
}

// replaceToken gives next another sid and secret.
func (s *Store) replaceToken(next *row, t token) {
	next.token = t
	hash := t.hash()
	next.SID, next.secretHash = t.sid, string(hash[:])
	next.renewedAt = s.now()
}

// refresh records that the session is in use now. Of a row that is not full it
// knows no earlier end; queryChange does.
func (s *Store) refresh(next *row) {
	next.LastSeenAt = s.now()
	next.ExpiresAt = next.LastSeenAt.Add(s.opts.IdleTimeout)
	if next.full && (next.Remembered || next.deadline.Before(next.ExpiresAt)) {
		next.ExpiresAt = next.deadline
	}
}

// renewalDue reports whether RenewAfter has passed since r got its sid.
func (s *Store) renewalDue(r row) bool {
	return s.opts.RenewAfter > 0 && r.UserID != "" && s.now().Sub(r.renewedAt) >= s.opts.RenewAfter
}

// renewAtOnce gives the session a new sid and secret; the old ones are dead.
func (b *bound) renewAtOnce(r *http.Request, changes codec.Entries) error {
	t := newToken()
	return b.store(r, false, func(ctx context.Context) error {
		return b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.With(changes)
			b.replaceToken(next, t)
		}, b.rows.update)
	})
}

// renewGracefully renews the session so that requests under way with the old
// cookie find it still. Of several that renew at the same time the first does,
// and its answer alone has the new cookie.
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

// updateLeavingRedirect is update that leaves a redirect row at the old sid for a
// moment, if the sid changes.
func (b *bound) updateLeavingRedirect(ctx context.Context, old, next row, now time.Time) (bool, error) {
	if next.SID == old.SID {
		return b.rows.update(ctx, old, next, now)
	}
	redirect := b.redirectFrom(token{sid: old.SID}, next.SID, now.Add(renewalGrace))
	redirect.secretHash = old.secretHash
	return b.rows.updateLeaving(ctx, old, next, redirect, now)
}

// redirectFrom is a redirect row, which leads from a token to the session at a sid
// until a time.
func (s *Store) redirectFrom(t token, sid string, until time.Time) row {
	hash := t.hash()
	r := row{secretHash: string(hash[:]), renewedTo: sid, data: []byte{}, deadline: until.UTC()}
	r.SID, r.CreatedAt, r.LastSeenAt, r.ExpiresAt = t.sid, s.now(), s.now(), r.deadline
	return r
}

// endOver revokes what is over Options.MaxPerUser after a sign-in. Failing to evict
// older sessions must not fail the sign-in; the next one tries again.
func (s *Store) endOver(ctx context.Context, userID string) {
	for more := s.opts.MaxPerUser > 0 && userID != ""; more; {
		began := time.Now()
		n, err := s.endSomeOver(ctx, userID)
		if err != nil {
			s.opts.Logger.WarnContext(ctx, "sessions over Options.MaxPerUser not revoked", "user", userID, "error", err)
		}
		if err != nil || n > 0 {
			s.observe(ctx, began, Event{Op: opRevoke, UserID: userID, Count: int(n), Err: err})
		}
		more = n == batchSize
	}
}

// endSomeOver ends up to a batch of what is over the limit.
func (s *Store) endSomeOver(ctx context.Context, userID string) (int64, error) {
	over, err := s.rows.over(ctx, userID, s.opts.MaxPerUser, s.now())
	if err != nil || len(over) == 0 {
		return 0, err
	}
	return s.rows.execIn(ctx, queryEndOver, over, userID)
}
