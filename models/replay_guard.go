package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/gobuffalo/pop/v6"
)

// ReplayGuard remembers what may be used only once, for all instances of the app. It
// implements signin.ReplayGuard, and is safe for concurrent use.
type ReplayGuard struct {
	conn *pop.Connection
	now  func() time.Time
}

// NewReplayGuard returns a replay guard that uses the table spent.
func NewReplayGuard(conn *pop.Connection) ReplayGuard { return ReplayGuard{conn, time.Now} }

// Use reports whether id is used for the first time, and remembers it at least until
// the given time.
func (g ReplayGuard) Use(ctx context.Context, id string, until time.Time) (first bool, err error) {
	tx := g.conn.WithContext(ctx)
	insertErr := tx.RawQuery("INSERT INTO spent (id, expires_at) VALUES (?, ?)", keyOf(id), until.UTC()).Exec()
	if insertErr == nil {
		return true, nil
	}
	used, err := g.IsUsed(ctx, id)
	if err != nil {
		return false, err
	}
	if !used {
		return false, dbError("store in the replay guard", insertErr)
	}
	return false, nil
}

// IsUsed reports whether id was used before.
func (g ReplayGuard) IsUsed(ctx context.Context, id string) (bool, error) {
	var known struct {
		N int `db:"n"`
	}
	if err := g.conn.WithContext(ctx).RawQuery("SELECT COUNT(*) AS n FROM spent WHERE id = ?", keyOf(id)).First(&known); err != nil {
		return false, dbError("look up in the replay guard", err)
	}
	return known.N > 0, nil
}

// DeleteExpired deletes what need not be remembered any longer.
func (g ReplayGuard) DeleteExpired(ctx context.Context) error {
	if err := g.conn.WithContext(ctx).RawQuery("DELETE FROM spent WHERE expires_at < ?", g.now().UTC()).Exec(); err != nil {
		return dbError("clean up the replay guard", err)
	}
	return nil
}

// keyOf returns the primary key for an id: a hash, because ids have any length and may be
// secret.
func keyOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
