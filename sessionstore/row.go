package sessionstore

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// Record is what the table holds about a session, without its values and secrets. Times
// are in UTC.
type Record struct {
	SID             string    // the public id; the cookie starts with it
	UserID          string    // "" for an anonymous session
	AuthMethod      string    // Login.Method, "adopted" or "token"; "" if unknown
	AuthenticatedAt time.Time // zero if the session is anonymous or the time unknown
	Remembered      bool      // no idle timeout: Login.Remember, or an access token
	IP              string    // at the sign-in, or when the session was created
	UserAgent       string    // at the sign-in, or when the session was created
	CreatedAt       time.Time // this user's first sign-in, or an anonymous session's first Save
	LastSeenAt      time.Time // up to Options.IdleTimeout/60 and a few seconds too early
	ExpiresAt       time.Time // if the session is not used until then
	Label           string    // of an access token; see Store.IssueToken
}

// A row is a Record with the columns that only the store may see.
type row struct {
	Record
	full       bool          // all columns were read
	token      token         // of the request's cookie; not stored
	entries    codec.Entries // data, decoded
	stale      bool          // data is encrypted with an older secret
	secretHash string
	data       []byte
	version    int64  // counts the writes, for compare-and-swap
	family     string // the session's first sid, which renewals keep
	renewedTo  string // in a redirect row: the sid that replaced this one
	renewedAt  time.Time
	deadline   time.Time // when the session expires even if it is in use

	providerSession, providerSubject string
}

// A field is a column and a pointer to its value in a row.
type field struct {
	column string
	place  any
}

// The ranges of row.fields: those that a request which only reads needs, those of a
// Record, and all.
const (
	forReading = 8
	recordFrom = 5
	recordTo   = 16
	fieldCount = 20
)

// fields lists all columns, in the order of those ranges.
func (r *row) fields() [fieldCount]field {
	return [...]field{
		{"secret_hash", &r.secretHash},
		{"data", &r.data},
		{"version", &r.version},
		{"family", &r.family},
		{"renewed_to", &r.renewedTo},
		{"user_id", (*nullText)(&r.UserID)},
		{"last_seen_at", (*nullTime)(&r.LastSeenAt)},
		{"expires_at", (*nullTime)(&r.ExpiresAt)},
		{"sid", &r.SID},
		{"auth_method", &r.AuthMethod},
		{"authenticated_at", (*nullTime)(&r.AuthenticatedAt)},
		{"remembered", &r.Remembered},
		{"ip", &r.IP},
		{"user_agent", &r.UserAgent},
		{"created_at", (*nullTime)(&r.CreatedAt)},
		{"label", (*nullText)(&r.Label)},
		{"renewed_at", (*nullTime)(&r.renewedAt)},
		{"deadline_at", (*nullTime)(&r.deadline)},
		{"provider_session", (*nullText)(&r.providerSession)},
		{"provider_subject", (*nullText)(&r.providerSubject)},
	}
}

// columnsOf returns the column names separated by commas, each followed by after.
func columnsOf(fields []field, after string) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.column + after
	}
	return strings.Join(names, ", ")
}

// places returns the pointers to scan the columns into.
func places(fields []field) []any {
	dest := make([]any, len(fields))
	for i, f := range fields {
		dest[i] = f.place
	}
	return dest
}

// values returns the values to store in the columns.
func values(fields []field) ([]any, error) {
	args := make([]any, len(fields))
	for i, f := range fields {
		var err error
		if args[i], err = valueAt(f.place); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func valueAt(place any) (any, error) {
	switch p := place.(type) {
	case driver.Valuer:
		return p.Value()
	case *string:
		return *p, nil
	case *[]byte:
		return *p, nil
	case *bool:
		return *p, nil
	case *int64:
		return *p, nil
	}
	return nil, fmt.Errorf("a %T cannot be stored in a column", place)
}

// nullText stores "" as NULL.
type nullText string

// Scan implements sql.Scanner.
func (t *nullText) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = ""
	case string:
		*t = nullText(v)
	case []byte:
		*t = nullText(v)
	default:
		return fmt.Errorf("a text column contains a %T", v)
	}
	return nil
}

// Value implements driver.Valuer.
func (t *nullText) Value() (driver.Value, error) {
	if *t == "" {
		return nil, nil
	}
	return string(*t), nil
}

// nullTime stores the zero time as NULL, and reads times as UTC.
type nullTime time.Time

// Scan implements sql.Scanner.
func (t *nullTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = nullTime{}
	case time.Time:
		*t = nullTime(v.UTC())
	default:
		return fmt.Errorf("a time column contains a %T", v)
	}
	return nil
}

// Value implements driver.Valuer.
func (t *nullTime) Value() (driver.Value, error) {
	if time.Time(*t).IsZero() {
		return nil, nil
	}
	return time.Time(*t), nil
}

// encode sets data from the entries, encrypted with Options.Encrypt.
func (s *Store) encode(r *row) (err error) {
	data := r.entries.Encode()
	if len(data) > s.opts.maxBytes {
		return fmt.Errorf("save session: %w: the values take %d bytes: store at most %d", ErrValue, len(data), s.opts.maxBytes)
	}
	if s.opts.Encrypt {
		if data, err = s.keys[0].seal(r.SID, data); err != nil {
			return fmt.Errorf("save session: %w", err)
		}
	}
	r.data, r.stale = data, false
	return nil
}

// decode is the inverse of encode, with any of the secrets. It returns
// codec.ErrCorrupt for damaged data.
func (s *Store) decode(r *row) (err error) {
	plain := r.data
	if len(plain) > 0 && plain[0] == codec.FormatSealed {
		if plain, r.stale, err = s.unseal(r.SID, plain); err != nil {
			return fmt.Errorf("session %s: %w", r.SID, err)
		}
	}
	if r.entries, err = codec.Decode(plain); err != nil {
		return fmt.Errorf("session %s: %w", r.SID, err)
	}
	return nil
}
