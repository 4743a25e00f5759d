package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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
// time, and longer if nothing happens then.
func (s Spent) Spend(ctx context.Context, id string, until time.Time) (first bool, err error) {
	tx := s.conn.WithContext(ctx)
	sum := sha256.Sum256([]byte(id))
	key := hex.EncodeToString(sum[:])
	insertErr := tx.RawQuery("INSERT INTO spent (id, expires_at) VALUES (?, ?)", key, until.UTC()).Exec()
	if insertErr == nil {
		return true, s.forget(tx)
	}
	var known struct {
		N int `db:"n"`
	}
	if err := tx.RawQuery("SELECT COUNT(*) AS n FROM spent WHERE id = ?", key).First(&known); err != nil {
		return false, fmt.Errorf("remember what is spent: %w", err)
	}
	if known.N == 0 {
		return false, fmt.Errorf("remember what is spent: %w", insertErr)
	}
	return false, nil
}

// forget deletes what is too old to be used anyway.
func (s Spent) forget(tx *pop.Connection) error {
	if err := tx.RawQuery("DELETE FROM spent WHERE expires_at < ?", s.now().UTC()).Exec(); err != nil {
		return fmt.Errorf("forget what was spent: %w", err)
	}
	return nil
}
