// Package database opens the app's database, for the web server and the tasks.
package database

import (
	"context"
	"errors"
	"io/fs"
	"net"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/models"
)

// Open opens the database and checks that it answers. An error is one line that names
// the setting.
func Open(ctx context.Context, cfg config.Config) (*pop.Connection, error) {
	conn, err := models.Open(cfg.Database)
	if err != nil {
		return nil, cfg.DatabaseError(cause(err))
	}
	if err := conn.WithContext(ctx).RawQuery("SELECT 1").Exec(); err != nil {
		return nil, cfg.DatabaseError(errors.Join(cause(err), conn.Close()))
	}
	return conn, nil
}

// cause returns the error of the network or the file, without what Pop and the drivers
// wrap it in: pgx lists all attempts, on several lines.
func cause(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e
	}
	return err
}
