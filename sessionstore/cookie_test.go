package sessionstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

func TestStore_Cookie(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		v := s.browser(t).signIn(t, "ada")
		c := v.cookies[0]
		parts := strings.Split(c.Value, ".")
		if len(parts) != 3 || parts[0] != v.session.ID || parts[0] != s.row(t, parts[0]).SID {
			t.Fatalf("cookie %q does not begin with the sid", c.Value)
		}
		for _, part := range parts {
			if b, err := base64.RawURLEncoding.DecodeString(part); err != nil || len(b) < 16 {
				t.Errorf("%q is %d bytes, %v; want 128 bits or more in base64url", part, len(b), err)
			}
		}
		if c.Value != sign(t, secret, parts[0], parts[1]) {
			t.Error("the mac is not the documented one")
		}
		if c.Name != cookieName || !c.HttpOnly || c.Secure || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %+v", c)
		}
		if c.MaxAge != 0 || !c.Expires.IsZero() || c.Domain != "" || len(c.Raw) >= 4096 {
			t.Errorf("cookie %+v", c)
		}
	})
}

func TestStore_CookieSecure(t *testing.T) {
	s := newSite(t, testdb.NewURL(t, testdb.SQLite), func(o *sessionstore.Options) { o.Cookie.Insecure = false })
	ada := s.browser(t)
	set := ada.signIn(t, "ada").cookies[0]
	ada.header.Set("Cookie", cookieName+"="+set.Value) // browsers send it over https only
	deleted := ada.change(t, signOut).cookies[0]
	for _, c := range []*http.Cookie{set, deleted} {
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %+v", c)
		}
	}
}

// The secret must not appear in the database in any form, because anyone who
// knows it can take over the session.
func TestStore_SecretIsNotStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "cart", 3)
		anonymous := ada.cookie(t)
		ada.signIn(t, "ada")
		ada.set(t, "cart", 4)
		stored := s.everything(t)
		_, hashed, _ := strings.Cut(ada.cookie(t), ".")
		hashed, _, _ = strings.Cut(hashed, ".")
		sum := sha256.Sum256([]byte(hashed))
		if row := s.row(t, ada.cookie(t)); row.SecretHash != hex.EncodeToString(sum[:]) {
			t.Errorf("secret_hash is %q", row.SecretHash)
		}
		for _, cookie := range []string{anonymous, ada.cookie(t)} {
			for _, part := range strings.Split(cookie, ".")[1:] {
				raw, err := base64.RawURLEncoding.DecodeString(part)
				if err != nil {
					t.Fatal(err)
				}
				for _, form := range [][]byte{[]byte(part), raw, []byte(hex.EncodeToString(raw))} {
					if bytes.Contains(stored, form) {
						t.Errorf("the database holds %q of the cookie %s", form, cookie)
					}
				}
			}
		}
	})
}

// everything returns all columns of all rows and, on SQLite, the contents of the
// database files.
func (s *site) everything(t *testing.T) []byte {
	t.Helper()
	rows, err := s.conn.Store.(interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}).QueryContext(t.Context(), "SELECT * FROM sessions")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for rows.Next() {
		columns := make([]any, len(names))
		for i := range columns {
			columns[i] = new(sql.RawBytes)
		}
		if err := rows.Scan(columns...); err != nil {
			t.Fatal(err)
		}
		for _, column := range columns {
			all.Write(*column.(*sql.RawBytes))
		}
	}
	if all.Len() == 0 || rows.Err() != nil {
		t.Fatalf("nothing to look through: %v", rows.Err())
	}
	if s.conn.Dialect.Name() == "sqlite3" {
		for _, suffix := range []string{"", "-wal"} {
			file, err := os.ReadFile(s.conn.Dialect.Details().Database + suffix)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			all.Write(file)
		}
		if !bytes.Contains(all.Bytes(), []byte("SQLite format 3")) {
			t.Fatal("not the files of SQLite")
		}
	}
	return all.Bytes()
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// tampered returns the cookie with the lowest bit of one character flipped. A
// decoder ignores that bit at the end of a base64 text.
func tampered(cookie string, i int) string {
	c := byte('A')
	if n := strings.IndexByte(base64URL, cookie[i]); n >= 0 {
		c = base64URL[n^1]
	}
	return cookie[:i] + string(c) + cookie[i+1:]
}

func TestStore_TamperedCookie(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		cookie := ada.cookie(t)
		s.queries.take()
		for i := range cookie {
			forger := s.with(t, cookieName+"="+tampered(cookie, i))
			if v := forger.change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
				t.Errorf("character %d changed: %+v", i, v)
			}
		}
		s.queries.want(t, "tampered cookies", "")
		s.wantRows(t, 1)
		if user := s.with(t, cookieName+"="+cookie).user(t); user != "ada" {
			t.Errorf("the true cookie is %v's", user)
		}
	})
}

func TestStore_ForgedCookie(t *testing.T) {
	onEveryCountedEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		cookie := ada.cookie(t)
		sid, rest, _ := strings.Cut(cookie, ".")
		otherKey := []byte("another secret of the same size.")
		s.queries.take()
		for name, headers := range map[string][]string{
			"Empty":           {cookieName + "="},
			"SIDAlone":        {cookieName + "=" + sid},
			"NoMAC":           {cookieName + "=" + cookie[:strings.LastIndex(cookie, ".")+1]},
			"MACCut":          {cookieName + "=" + cookie[:len(cookie)-1]},
			"Longer":          {cookieName + "=" + cookie + "A"},
			"Quoted":          {cookieName + `="` + cookie[1:] + `"`},
			"OtherKey":        {cookieName + "=" + sign(t, otherKey, sid, rest[:24])},
			"8KiB":            {cookieName + "=" + strings.Repeat("A", 8<<10)},
			"8KiBBehind":      {cookieName + "=" + cookie + strings.Repeat("A", 8<<10)},
			"OtherCase":       {"Session=" + cookie},
			"Prefixed":        {"__Host-" + cookieName + "=" + cookie},
			"TenOfOneName":    {strings.TrimSuffix(strings.Repeat(cookieName+"="+cookie+"; ", 10), "; ")},
			"TwoInTwoHeaders": {cookieName + "=" + cookie, cookieName + "=x"},
		} {
			v := s.with(t, headers...).change(t, nil)
			if !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
				t.Errorf("%s: %+v", name, v)
			}
		}
		s.queries.want(t, "forged cookies", "")
		s.wantRows(t, 1)
	})
}

// Cookies with a valid signature are still anonymous if the sid is unknown or the
// secret does not match. An unknown sid is never reused.
func TestStore_SignedButUnknown(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		before := s.row(t, ada.cookie(t))
		other := strings.Repeat("A", 24)
		for name, cookie := range map[string]string{
			"UnknownSID":    sign(t, secret, other, other),
			"UnknownSecret": sign(t, secret, before.SID, other),
			"OtherCase":     sign(t, secret, swapCase(before.SID), strings.Split(ada.cookie(t), ".")[1]),
		} {
			b := s.with(t, cookieName+"="+cookie)
			if v := b.change(t, nil); !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
				t.Errorf("%s: read %+v", name, v)
			}
			v := b.set(t, "cart", 3)
			if len(v.cookies) != 1 || v.session.ID == other || v.session.ID == before.SID {
				t.Errorf("%s: written as %q, cookies %v", name, v.session.ID, v.cookies)
			}
			if out := b.visit(t, signOut); out.saveErr != nil {
				t.Errorf("%s: sign out: %v", name, out.saveErr)
			}
		}
		s.wantUnchanged(t, before)
	})
}

func swapCase(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLower(c) {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, text)
}
