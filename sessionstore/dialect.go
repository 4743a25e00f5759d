package sessionstore

import (
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// A dialect is what the store has to know of a database. Its SQL is otherwise the
// same for all, with ? for the arguments.
type dialect struct {
	// insertNew is an INSERT that does nothing if the key exists: its first words,
	// and its last.
	insertNew [2]string
	// newest ends a SELECT that sees the newest row in an older transaction.
	newest string
	// oneWriter says that the database has one writer at a time, so that writes
	// wait in this program and are committed together; see sqlite.go.
	oneWriter bool
	// direct sends statements to the driver past database/sql; see direct.go.
	direct bool
	// gaveWay reports whether a statement failed because of another transaction, so
	// that it may succeed when it is run again.
	gaveWay func(error) bool
}

var (
	onConflict = [2]string{"INSERT INTO", " ON CONFLICT DO NOTHING"}

	dialects = map[string]dialect{
		"sqlite3":   {insertNew: onConflict, oneWriter: true, gaveWay: isLocked},
		"postgres":  {insertNew: onConflict, newest: " FOR UPDATE", direct: true, gaveWay: isSerializationFailure},
		"cockroach": {insertNew: onConflict, newest: " FOR UPDATE", direct: true, gaveWay: isSerializationFailure},
		"mysql":     {insertNew: [2]string{"INSERT IGNORE INTO", ""}, newest: " FOR UPDATE", gaveWay: isDeadlock},
	}
)

// isLocked reports whether another program writes to SQLite, or another connection
// that waits for this one; SQLite reports the latter at once. The driver is not
// imported for the sake of its error: a program without SQLite does without it.
func isLocked(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "database is locked")
}

// isSerializationFailure also includes deadlocks (40P01), and statements that were
// prepared before a migration (0A000).
func isSerializationFailure(err error) bool {
	var coded interface{ SQLState() string }
	if !errors.As(err, &coded) {
		return false
	}
	state := coded.SQLState()
	return state == "40001" || state == "40P01" || state == "0A000"
}

// isDeadlock also includes what MariaDB reports with innodb_snapshot_isolation (1020).
func isDeadlock(err error) bool {
	var numbered *mysql.MySQLError
	return errors.As(err, &numbered) && (numbered.Number == 1213 || numbered.Number == 1020)
}
