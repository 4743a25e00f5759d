package sessionstore

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// Record is what the table knows of a session, without its values. Times are
// UTC.
type Record struct {
	SID             string
	UserID          string    // "" for an anonymous session
	AuthMethod      string    // Login.Method of the sign-in
	AuthenticatedAt time.Time // zero for an anonymous session, and where it is unknown
	Remembered      bool      // whether Login.Remember was set
	IP              string    // of the request that began the session or signed in
	UserAgent       string    // of the request that began the session or signed in
	CreatedAt       time.Time
	LastSeenAt      time.Time // up to a sixtieth of Options.IdleTimeout too early
	ExpiresAt       time.Time // when it expires, if it is not used before
	Label           string    // of an access token; see Store.IssueToken
}

// A row is a Record with what only the store may see.
type row struct {
	Record
	full       bool          // whether all columns were read
	token      token         // what its cookie proves; not stored
	entries    codec.Entries // the values; data holds them
	stale      bool          // data is encrypted with an older secret
	secretHash string
	data       []byte
	version    int64  // counts the writes; every write names the one that it is based on
	family     string // its first sid, which renewals keep
	renewedTo  string // in a redirect row: the sid that replaced this one
	renewedAt  time.Time
	deadline   time.Time // when it expires, used or not

	providerSession, providerSubject string
}

// A field is a column and the place in a row that is read from it and written to it.
type field struct {
	column string
	place  any
}

// The ranges of row.fields: what a request needs that only reads, what a Record
// holds, and everything.
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

// columnsOf joins the names of columns, each followed by after.
func columnsOf(fields []field, after string) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.column + after
	}
	return strings.Join(names, ", ")
}

// places returns where the columns are scanned to.
func places(fields []field) []any {
	dest := make([]any, len(fields))
	for i, f := range fields {
		dest[i] = f.place
	}
	return dest
}

// values returns what is stored in the columns.
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
	return nil, fmt.Errorf("no column holds a %T", place)
}

// nullText is NULL where it is "".
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
		return fmt.Errorf("a %T in a column for text", v)
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

// nullTime is NULL where it is zero, and is read as UTC.
type nullTime time.Time

// Scan implements sql.Scanner.
func (t *nullTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = nullTime{}
	case time.Time:
		*t = nullTime(v.UTC())
	default:
		return fmt.Errorf("a %T in a column for times", v)
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
