package sessionstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// benchSite returns a site with a signed-in session of typical size, and a
// request with its cookie.
func benchSite(b *testing.B) (*site, *http.Request) {
	b.Helper()
	s := newSite(b, testdb.NewURL(b, testdb.SQLite))
	ada := s.browser(b)
	ada.change(b, func(session *sessions.Session) {
		signInAs("ada")(session)
		session.Values["note"] = strings.Repeat("x", 300)
	})
	r := newRequest(b)
	r.Header.Set("Cookie", cookieName+"="+ada.cookie(b))
	return s, r
}

// statement prepares the minimal statement that the store is compared with.
func (s *site) statement(b *testing.B, query string) *sql.Stmt {
	b.Helper()
	pool := s.conn.Store.(interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	})
	stmt, err := pool.PrepareContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stmt.Close() })
	return stmt
}

func BenchmarkLoad(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		s, r := benchSite(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.store.New(r, cookieName); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rawStatement", func(b *testing.B) {
		s, r := benchSite(b)
		sid := sidOf(r)
		stmt := s.statement(b, "SELECT secret_hash, data, version, user_id, expires_at FROM sessions WHERE sid = ?")
		b.ReportAllocs()
		for b.Loop() {
			var row storedRow
			err := stmt.QueryRowContext(r.Context(), sid).Scan(&row.SecretHash, &row.Data, &row.Version, &row.UserID, &row.ExpiresAt)
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benchSession returns a session with a row, and a request and a response to save
// it.
func benchSession(b *testing.B) (*sessions.Session, *http.Request, http.ResponseWriter) {
	b.Helper()
	s, r := benchSite(b)
	session, err := s.store.New(r, cookieName)
	if err != nil {
		b.Fatal(err)
	}
	return session, r, newResponse()
}

func BenchmarkSave(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		session, r, w := benchSession(b)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			session.Values["count"] = i
			if err := session.Save(r, w); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		session, r, w := benchSession(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := session.Save(r, w); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rawStatement", func(b *testing.B) {
		s, r := benchSite(b)
		sid := sidOf(r)
		data := s.row(b, sid).Data
		stmt := s.statement(b, "UPDATE sessions SET data = ?, version = ?, last_seen_at = ?, expires_at = ? WHERE sid = ?")
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := stmt.ExecContext(r.Context(), data, i, at(0), at(sessionstore.DefaultIdleTimeout), sid); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Concurrent sign-ins. The raw statements compete for SQLite's single writer, and
// each commits separately.
func BenchmarkSignInAtOnce(b *testing.B) {
	const atOnce = 16 // for each processor
	b.Run("store", func(b *testing.B) {
		s := newSite(b, testdb.NewURL(b, testdb.SQLite))
		b.SetParallelism(atOnce)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r, w := newRequest(b), newResponse()
				session, err := s.store.Get(r, cookieName)
				if err != nil {
					b.Error(err)
					return
				}
				signInAs("ada")(session)
				if err := session.Save(r, w); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("rawStatement", func(b *testing.B) {
		s, r := benchSite(b)
		stmt := s.statement(b, `INSERT INTO sessions (`+rawColumns+`) SELECT ?, `+rawColumns[len("sid, "):]+` FROM sessions WHERE sid = ?`)
		sid := sidOf(r)
		b.SetParallelism(atOnce)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := stmt.ExecContext(context.Background(), rand.Text(), sid); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

const rawColumns = "sid, user_id, auth_method, authenticated_at, remembered, ip, user_agent, created_at, last_seen_at, " +
	"expires_at, secret_hash, data, version, family, renewed_to, renewed_at, deadline_at"

func sidOf(r *http.Request) string {
	cookie, _ := r.Cookie(cookieName)
	sid, _, _ := strings.Cut(cookie.Value, ".")
	return sid
}
