package testdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// NewURL creates an empty database on this server and returns its DATABASE_URL.
// The database is deleted together with the server.
func (s *Server) NewURL(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf(s.kind.url, s.port, s.create(t))
}

// create creates an empty database and returns its name.
func (s *Server) create(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	return name
}

// drop deletes a database, even if there are connections to it.
func (s *Server) drop(t testing.TB, name string) {
	t.Helper()
	if err := s.exec(fmt.Sprintf(s.kind.drop, name)); err != nil {
		t.Errorf("drop database %s: %v", name, err)
	}
}

func (s *Server) exec(statement string) error {
	return s.admin(func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, statement)
		return err
	})
}

// identify checks that this server answers on the port, and not another one that
// has just taken it.
func (s *Server) identify() error {
	return s.admin(func(ctx context.Context, db *sql.DB) error {
		var folder string
		err := db.QueryRowContext(ctx, s.kind.folder).Scan(&folder)
		if err == nil && filepath.Clean(folder) != s.data() {
			err = fmt.Errorf("port %d belongs to the server in %s", s.port, folder)
		}
		return err
	})
}

// admin calls do with a connection to the administrative database.
func (s *Server) admin(do func(context.Context, *sql.DB) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), testproc.Patience)
	defer cancel()
	db, err := sql.Open(s.kind.driver, fmt.Sprintf(s.kind.dsn, s.port, s.kind.admin))
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, db), db.Close())
}
