package sessionstore_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"
)

type storedRow struct {
	SID             string     `db:"sid"`
	SecretHash      string     `db:"secret_hash"`
	Data            []byte     `db:"data"`
	Version         int64      `db:"version"`
	UserID          *string    `db:"user_id"`
	AuthMethod      string     `db:"auth_method"`
	AuthenticatedAt *time.Time `db:"authenticated_at"`
	IP              string     `db:"ip"`
	UserAgent       string     `db:"user_agent"`
	CreatedAt       time.Time  `db:"created_at"`
	LastSeenAt      time.Time  `db:"last_seen_at"`
	DeadlineAt      time.Time  `db:"deadline_at"`
	Family          string     `db:"family"`
	RenewedTo       string     `db:"renewed_to"`
	RenewedAt       *time.Time `db:"renewed_at"`
	Remembered      bool       `db:"remembered"`
	ExpiresAt       time.Time  `db:"expires_at"`
	Origin          *string    `db:"provider_session"`
	OriginSubject   *string    `db:"provider_subject"`
	Label           *string    `db:"label"`
}

// row returns the row of a cookie or sid. It fails the test if there is none.
func (s *site) row(t testing.TB, cookieOrSID string) storedRow {
	t.Helper()
	sid, _, _ := strings.Cut(cookieOrSID, ".")
	var row storedRow
	query := s.conn.Dialect.TranslateSQL("SELECT * FROM sessions WHERE sid = ?")
	if err := s.conn.Store.Get(&row, query, sid); err != nil {
		t.Fatalf("row of %q: %v", sid, err)
	}
	return row
}

func (s *site) countRows(t testing.TB) int {
	t.Helper()
	var n int
	if err := s.conn.Store.Get(&n, "SELECT COUNT(*) FROM sessions"); err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *site) wantRows(t testing.TB, want int) {
	t.Helper()
	if n := s.countRows(t); n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
}

// wantUnchanged checks that a row has not changed.
func (s *site) wantUnchanged(t testing.TB, before storedRow) {
	t.Helper()
	if now := s.row(t, before.SID); !reflect.DeepEqual(now, before) {
		t.Errorf("the row is\n%+v\nand was\n%+v", now, before)
	}
}

// execute changes the database directly, without the store.
func (s *site) execute(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := s.conn.Store.Exec(s.conn.Dialect.TranslateSQL(statement), args...); err != nil {
		t.Fatal(err)
	}
}

// appendUnknownType appends an entry to the data of a row, as a newer version of
// the app might have: its key sorts after all others, and the type of its value
// is unknown.
func (s *site) appendAlien(t testing.TB, cookie string) (alien []byte) {
	t.Helper()
	row := s.row(t, cookie)
	alien = append([]byte{6, 3}, "~~~~~"...)
	alien = append(alien, 4, 18, 0xde, 0xad, 0xbe)
	s.execute(t, "UPDATE sessions SET data = ? WHERE sid = ?", bytes.Join([][]byte{row.Data, alien}, nil), row.SID)
	return alien
}

// sign computes a cookie from the documented format, independently of the store.
func sign(t testing.TB, key []byte, sid, cookieSecret string) string {
	t.Helper()
	macKey, err := hkdf.Key(sha256.New, key, nil, "latchkey session cookie mac v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, macKey)
	mac.Write([]byte(sid + "." + cookieSecret))
	return sid + "." + cookieSecret + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
