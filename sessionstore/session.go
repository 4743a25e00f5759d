package sessionstore

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// The sizes of the columns, in characters.
const (
	maxIP         = 64
	maxUserAgent  = 255
	maxMethod     = 64
	maxProviderID = 64
	maxLabel      = 64
	maxUserID     = 255
)

// A bound is the store of one session: session.Store() returns it. It holds the store's
// state of the session, where a program cannot delete it by accident, as it could in
// Values.
type bound struct {
	*Store
	state
	intent
	session *sessions.Session
	options sessions.Options // that the browser has, as far as known
	err     error            // why Save must refuse the session: not loaded, or revoked
	resign  bool             // the cookie was signed with an older secret
	bearer  bool             // the request has an access token
	unsure  *unsure
	out     http.ResponseWriter // which got the session's cookie
}

// state is what is known about the session's row. Until an old session is adopted, it
// has no row, but a user and values.
type state struct {
	row     row           // as last read or written
	exists  bool          // whether there is a row
	known   codec.Entries // what Values held when they last agreed with the row
	adopted token         // of the redirect row that the next Save leaves for an old session
}

// intent is what the next Save does besides writing Values.
type intent struct {
	login    *Login // of SignIn
	forgets  bool   // SignOut came before SignIn
	signsOut bool
	renew    bool
}

// Err returns the error of [Store.Get] for a session, or nil. It is for frameworks that
// drop that error, such as Buffalo. After Save has returned ErrEnded, so does Err. It
// returns ErrForeign for a session of another kind of store.
func Err(session *sessions.Session) error {
	b, err := boundOf(session)
	if err != nil {
		return err
	}
	return b.err
}

// Describe returns the [Record] of a session. It usually runs a query; with
// [Options].FullRecord it does not, and returns what Get read or Save wrote. Pass it the
// context of the request.
//
// It returns ErrNotFound if the session has no row, because it is new, expired or revoked
// or could not be loaded; ErrUnavailable or ErrConflict; or ErrForeign.
func Describe(ctx context.Context, session *sessions.Session) (Record, error) {
	b, err := boundOf(session)
	if err != nil {
		return Record{}, err
	}
	if b.exists && b.row.full {
		return b.row.Record, nil
	}
	r, err := b.look(ctx, b.row.SID)
	return r.Record, wrap("describe session", err)
}

// New implements sessions.Store; see Store.Get. b belongs to the session that it returns.
func (b *bound) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(b, name)
	session.IsNew = true
	cookie := b.opts.Cookie
	b.options = sessions.Options{
		Path:     cookie.Path,
		Domain:   cookie.Domain,
		HttpOnly: true,
		Secure:   !cookie.Insecure,
		SameSite: cookie.SameSite,
	}
	options := b.options
	session.Options = &options
	b.session = session
	if b.err = (&http.Cookie{Name: name}).Valid(); b.err == nil {
		b.err = b.load(r)
	}
	return session, b.err
}

// load finds the row of the request's cookie or token. If that is invalid, the session
// stays new.
func (b *bound) load(r *http.Request) error {
	b.bearer = b.IsBearer(r)
	t, old, ok := b.verify(b.presented(r, b.session.Name()))
	if !ok {
		return b.adopt(r)
	}
	began := time.Now()
	full := b.opts.FullRecord || !b.bearer && (old || b.opts.RenewAfter > 0) // Save may need all columns
	row, found, err := b.find(r.Context(), t, full)
	event := Event{Op: opLoad, SID: t.sid, Err: err}
	if found {
		event.SID, event.UserID, event.Count = row.SID, row.UserID, 1
	}
	b.observe(r.Context(), began, event)
	b.resign = found && old && row.token == t
	return b.loaded(r, row, found, err)
}

// loaded sets the state of the session from its row, or from the error of loading it.
func (b *bound) loaded(r *http.Request, row row, found bool, err error) error {
	if errors.Is(err, codec.ErrCorrupt) {
		b.opts.Logger.ErrorContext(r.Context(), "session data is damaged: treated as an empty session; the row is kept", "error", err)
		return nil
	}
	if err != nil {
		return b.unavailable("load session", err)
	}
	if !found {
		return nil
	}
	if b.known, err = row.entries.DecodeInto(b.session.Values); err != nil {
		b.opts.Logger.WarnContext(r.Context(), "a session value cannot be decoded: left out; it is kept in the row", "sid", row.SID, "error", err)
	}
	b.row, b.exists = row, true
	b.session.ID, b.session.IsNew = row.SID, false
	b.touch(r.Context(), row)
	return nil
}

// findFunc finds the row of a sid that is alive at now.
type findFunc func(ctx context.Context, sid string, now time.Time) (r row, found bool, err error)

// find returns the live row of a token. If that is a redirect row, it returns the row
// of the session that replaced it, without its token.
func (b *bound) find(ctx context.Context, t token, full bool) (row, bool, error) {
	var find findFunc = b.rows.read
	if full {
		find = b.rows.find
	}
	r, found, err := find(ctx, t.sid, b.now())
	if err != nil || !found || !t.matches(r.secretHash) {
		return row{}, false, err
	}
	r.token = t
	if r.renewedTo != "" {
		if r, found, err = b.follow(ctx, r.renewedTo, b.rows.find); err != nil || !found {
			return row{}, false, err
		}
	}
	err = b.decode(&r)
	return r, err == nil, err
}

// follow returns the live row of sid, or of the sid that replaced it, without decoding
// its data.
func (s *Store) follow(ctx context.Context, sid string, find findFunc) (row, bool, error) {
	for {
		r, found, err := find(ctx, sid, s.now())
		if err != nil || !found || r.renewedTo == "" {
			return r, found, err
		}
		sid = r.renewedTo
	}
}

// clean makes text from a client safe for every database, log and page: it is valid
// UTF-8, has no control characters, and has at most limit characters.
func clean(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, text)
	runes := 0
	for i := range text {
		if runes == limit {
			return text[:i]
		}
		runes++
	}
	return text
}

// isUserID reports whether an id can be stored. Some databases ignore spaces at the end
// of text, so ids with them could be taken for another user's.
func isUserID(id string) bool {
	return id == clean(id, maxUserID) && !strings.HasSuffix(id, " ")
}

// optionsChanged reports whether the program changed session.Options, so that the
// browser needs a new cookie.
func (b *bound) optionsChanged() bool {
	return *b.session.Options != b.options
}

// touch records a use of a session if last_seen_at is older than the touch interval. It
// leaves the write to Run if that is running and the session does not expire before.
func (b *bound) touch(ctx context.Context, r row) {
	now := b.now()
	if now.Sub(r.LastSeenAt) < b.opts.touchInterval {
		return
	}
	if b.touches.running.Load() > 0 && r.ExpiresAt.Sub(now) > 2*flushInterval {
		b.touches.add(r.SID, now)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	b.touchNow(ctx, []string{r.SID}, now)
}
