package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/gobuffalo/pop/v6"
)

// Spent remembers, for every instance of the app, what may be used once. It is
// safe for concurrent use.
type Spent struct {
	conn *pop.Connection
	now  func() time.Time
}

// NewSpent returns the memory that is in the database.
func NewSpent(conn *pop.Connection) Spent { return Spent{conn, time.Now} }

// Spend reports whether id is used for the first time. It remembers it until a
// time, and longer until Forget is called.
func (s Spent) Spend(ctx context.Context, id string, until time.Time) (first bool, err error) {
	tx := s.conn.WithContext(ctx)
	insertErr := tx.RawQuery("INSERT INTO spent (id, expires_at) VALUES (?, ?)", keyOf(id), until.UTC()).Exec()
	if insertErr == nil {
		return true, nil
	}
	spent, err := s.IsSpent(ctx, id)
	if err != nil {
		return false, err
	}
	if !spent {
		return false, dbError("remember what is spent", insertErr)
	}
	return false, nil
}

// IsSpent reports whether id was used before.
func (s Spent) IsSpent(ctx context.Context, id string) (bool, error) {
	var known struct {
		N int `db:"n"`
	}
	if err := s.conn.WithContext(ctx).RawQuery("SELECT COUNT(*) AS n FROM spent WHERE id = ?", keyOf(id)).First(&known); err != nil {
		return false, dbError("look up what is spent", err)
	}
	return known.N > 0, nil
}

// Forget deletes what is too old to be used anyway. It is to be called now and then.
func (s Spent) Forget(ctx context.Context) error {
	if err := s.conn.WithContext(ctx).RawQuery("DELETE FROM spent WHERE expires_at < ?", s.now().UTC()).Exec(); err != nil {
		return dbError("forget what was spent", err)
	}
	return nil
}

// keyOf is what stands for an id in the database: of one length, and no secret.
func keyOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
