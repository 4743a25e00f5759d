package sessionstore

import (
	"errors"
	"time"

	"github.com/gorilla/sessions"
)

// Filter selects sessions to list, count or revoke. Set either UserID or AnyUser; a filter
// with neither is an error. So a program that passes an empty user id by mistake does not
// select the sessions of all users.
//
// A session must match all fields that are set. Empty fields match every session.
type Filter struct {
	UserID  string // sessions of this user
	AnyUser bool   // sessions of all users, and anonymous ones

	SID             string
	Except          *sessions.Session // not this session, even if it is renewed meanwhile
	SignedIn        *bool             // true: sessions of users; false: anonymous sessions
	IP              string            // Record.IP
	AuthMethod      string            // Record.AuthMethod
	ProviderSession string            // Login.ProviderSession
	ProviderSubject string            // Login.ProviderSubject
}

var (
	errNoUser = errors.New("the filter selects no user: set UserID, or AnyUser for the sessions of all users")
	errAll    = errors.New("the filter matches every session: use RevokeAll for that")
)

// matchesAll reports whether the filter leaves nothing out.
func (f Filter) matchesAll() bool {
	return f == Filter{AnyUser: true}
}

// check returns an error unless either UserID or AnyUser is set.
func (f Filter) check() error {
	if f.UserID == "" && !f.AnyUser {
		return errNoUser
	}
	if f.UserID != "" && f.AnyUser {
		return errors.New("the filter has both UserID and AnyUser: set one of them")
	}
	return nil
}

// matchesNothing reports whether no row can match because a text is invalid. Some
// databases return an error for such text.
func (f Filter) matchesNothing() bool {
	return !isUserID(f.UserID) || f.SID != "" && !isSID(f.SID) ||
		!isProviderID(f.ProviderSession) || !isProviderID(f.ProviderSubject) ||
		f.IP != clean(f.IP, maxIP) || f.AuthMethod != clean(f.AuthMethod, maxMethod)
}

// A where is the WHERE clause of a query, with its arguments.
type where struct {
	text string
	args []any
}

func (w *where) add(condition string, args ...any) {
	if w.text != "" {
		w.text += " AND "
	}
	w.text += condition
	w.args = append(w.args, args...)
}

// where returns the filter's conditions on live and expired sessions, or nil if none
// can match.
func (f Filter) where() (*where, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.matchesNothing() {
		return nil, nil
	}
	w := &where{}
	for _, equal := range []struct{ column, value string }{
		{"user_id", f.UserID},
		{"sid", f.SID},
		{"ip", f.IP},
		{"auth_method", f.AuthMethod},
		{"provider_session", f.ProviderSession},
		{"provider_subject", f.ProviderSubject},
	} {
		if equal.value != "" {
			w.add(equal.column+" = ?", equal.value)
		}
	}
	if f.Except != nil {
		kept, err := boundOf(f.Except)
		if err != nil {
			return nil, err
		}
		if !kept.exists {
			return nil, errors.New("the session in Except is not saved: save it first")
		}
		w.add("family <> ?", kept.row.family)
	}
	if f.SignedIn != nil && *f.SignedIn {
		w.add("user_id IS NOT NULL")
	}
	if f.SignedIn != nil && !*f.SignedIn {
		w.add("user_id IS NULL")
	}
	w.add("renewed_to = ''") // redirect rows are not sessions
	return w, nil
}

// page adds the conditions of a page of live sessions, newest first, that starts after
// a cursor.
func (w *where) page(now time.Time, after string) error {
	// IS TRUE and the range of created_at make SQLite use the index of created_at.
	// With that of expires_at it would read and sort all live sessions.
	w.add("(expires_at > ?) IS TRUE", now)
	if after == "" {
		w.add("created_at <= ?", time.UnixMicro(maxCursor).UTC())
		return nil
	}
	created, sid, err := parseCursor(after)
	if err != nil {
		return err
	}
	w.add("created_at <= ? AND (created_at < ? OR sid < ?)", created, created, sid)
	return nil
}
