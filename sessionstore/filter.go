package sessionstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/sessions"
)

// Filter says which sessions to list, count or revoke. It must name a UserID or set
// AnyUser, so that a program that has lost track of its user reaches nobody's
// sessions instead of everybody's. Each further field that is set narrows it; an
// empty one does not.
type Filter struct {
	UserID  string
	AnyUser bool // sessions of all users, and anonymous ones

	SID             string
	Except          *sessions.Session // all but this one, also if it is renewed meanwhile
	SignedIn        *bool             // true: of any user; false: anonymous
	IP              string
	AuthMethod      string
	ProviderSession string // Login.ProviderSession
	ProviderSubject string // Login.ProviderSubject
}

var (
	errNobody = errors.New("the filter names no user: set UserID, or AnyUser for the sessions of all users")
	errAll    = errors.New("the filter matches every session: use RevokeAll for that")
)

// matchesAll reports whether the filter leaves nothing out.
func (f Filter) matchesAll() bool {
	return f == Filter{AnyUser: true}
}

// check returns an error for a filter that says nothing, or two things.
func (f Filter) check() error {
	if f.UserID == "" && !f.AnyUser {
		return errNobody
	}
	if f.UserID != "" && f.AnyUser {
		return errors.New("the filter has both UserID and AnyUser: set one of them")
	}
	return nil
}

// matchesNothing reports whether no row can match, so that the database, which
// might refuse such text, need not be asked.
func (f Filter) matchesNothing() bool {
	return !isUserID(f.UserID) || f.SID != "" && !isSID(f.SID)
}

// A where collects the conditions of a query and their arguments.
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
			w.add(equal.column+" = ?", clean(equal.value, maxUserAgent)) // text that every database takes
		}
	}
	if f.Except != nil {
		kept, err := boundOf(f.Except)
		if err != nil {
			return nil, err
		}
		if !kept.exists {
			return nil, errors.New("the session to keep was never saved")
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

// page adds the conditions of a page of live sessions, newest first, that begins
// after a cursor.
func (w *where) page(now time.Time, after string) error {
	// IS TRUE keeps SQLite off the index of expires_at, and the range of created_at
	// leads it to that one; otherwise it would read and sort all live sessions.
	w.add("(expires_at > ?) IS TRUE", now)
	if after == "" {
		w.add("created_at <= ?", time.UnixMicro(maxCursor).UTC())
		return nil
	}
	created, sid, err := parseCursor(after)
	if err != nil {
		return fmt.Errorf("%w: %q", err, clean(after, maxUserAgent))
	}
	w.add("created_at <= ? AND (created_at < ? OR sid < ?)", created, created, sid)
	return nil
}
