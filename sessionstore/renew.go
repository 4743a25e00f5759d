package sessionstore

import (
	"context"
	"net/http"
	"time"
)

// RenewalGrace is how long the sid and secret still work that a session had
// before [Options].RenewAfter renewed it: long enough for the requests of a page
// that were sent before the browser got the new ones.
const RenewalGrace = 30 * time.Second

// begins reports whether user begins a session, or another part of one.
func (b *bound) begins(user string) bool {
	return b.signsIn || user != b.row.UserID
}

// beginAgain has user sign in to, or out of, the session that there is. What
// others wrote for another user, or what this program cannot decode, is not for
// this one.
func (b *bound) beginAgain(r *http.Request, current, changes entries, user string) error {
	t := newToken()
	switched := b.row.UserID != "" && b.row.UserID != user
	return b.store(r, user != "", func(ctx context.Context) error {
		err := b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.with(changes)
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
	if next.UserID != user || next.series == "" {
		next.CreatedAt, next.series = now, t.sid
		next.Remembered = false
	}
	next.Remembered = next.Remembered || b.remember
	next.UserID, next.AuthMethod, next.AuthenticatedAt = user, "", time.Time{}
	next.origin, next.subject, next.Label = "", "", ""
	if user != "" {
		next.AuthMethod, next.AuthenticatedAt = b.method, now
		next.origin, next.subject = b.origin, b.subject
		if b.at != nil {
			next.AuthenticatedAt = *b.at
		}
	}
	next.IP = clean(b.opts.ClientIP(r), maxIP)
	next.UserAgent = clean(r.UserAgent(), maxUserAgent)
	next.deadline = now.Add(b.opts.Lifetime)
	if next.Remembered {
		next.deadline = now.Add(b.opts.RememberLifetime)
	}
}

// replaceToken gives next another sid and secret.
func (s *Store) replaceToken(next *row, t token) {
	next.token = t
	hash := t.hash()
	next.SID, next.secretHash = t.sid, string(hash[:])
	next.renewedAt = s.now()
}

// refresh records that the session is in use now. Of a row that is not whole it
// knows no earlier end; queryChange does.
func (s *Store) refresh(next *row) {
	next.LastSeenAt = s.now()
	next.ExpiresAt = next.LastSeenAt.Add(s.opts.IdleTimeout)
	if next.whole && (next.Remembered || next.deadline.Before(next.ExpiresAt)) {
		next.ExpiresAt = next.deadline
	}
}

// renewalDue reports whether RenewAfter has passed since r got its sid.
func (s *Store) renewalDue(r row) bool {
	return s.opts.RenewAfter > 0 && r.UserID != "" && s.now().Sub(r.renewedAt) >= s.opts.RenewAfter
}

// renewAtOnce gives the session a new sid and secret; the old ones are dead.
func (b *bound) renewAtOnce(r *http.Request, changes entries) error {
	t := newToken()
	return b.store(r, false, func(ctx context.Context) error {
		return b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.with(changes)
			b.replaceToken(next, t)
		}, b.rows.update)
	})
}

// renewGracefully renews the session so that requests under way with the old
// cookie find it still. Of several that renew at the same time the first does,
// and its answer alone has the new cookie.
func (b *bound) renewGracefully(r *http.Request, changes entries) error {
	t := newToken()
	return b.store(r, false, func(ctx context.Context) error {
		return b.rewrite(ctx, func(next *row) {
			next.entries = next.entries.with(changes)
			if b.renewalDue(*next) {
				b.replaceToken(next, t)
			}
		}, b.updateLeavingTrace)
	})
}

// updateLeavingTrace is update, and where the sid changes it leaves a row at the
// old one that leads to the new one for a moment.
func (b *bound) updateLeavingTrace(ctx context.Context, old, next row, now time.Time) (bool, error) {
	if next.SID == old.SID {
		return b.rows.update(ctx, old, next, now)
	}
	end := now.Add(RenewalGrace)
	trace := row{secretHash: old.secretHash, renewedTo: next.SID, data: []byte{}, deadline: end}
	trace.SID, trace.CreatedAt, trace.LastSeenAt, trace.ExpiresAt = old.SID, now, now, end
	return b.rows.updateLeaving(ctx, old, next, trace, now)
}

// endOver ends what is over Options.MaxPerUser after a sign-in, which has happened
// by then: that the others stay is no reason to tell the user that it has not. The
// next sign-in tries again.
func (s *Store) endOver(ctx context.Context, userID string) {
	for more := s.opts.MaxPerUser > 0 && userID != ""; more; {
		began := time.Now()
		n, err := s.endSomeOver(ctx, userID)
		if err != nil {
			s.opts.Logger.WarnContext(ctx, "sessions over the limit of their user not ended", "user", userID, "error", err)
		}
		if err != nil || n > 0 {
			s.observe(ctx, began, Event{Op: OpEnd, UserID: userID, Count: int(n), Err: err})
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
