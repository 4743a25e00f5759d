package sessionstore

import (
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// A dialect is how a database differs from the others. All other SQL is the same for all
// of them, with ? for the arguments.
type dialect struct {
	// insertNew is the start and the end of an INSERT that keeps the row if the key
	// exists. It then changes another number of rows than 1.
	insertNew [2]string
	// newest is the end of a SELECT that returns the newest row even in a transaction
	// that has read an older one.
	newest string
	// oneWriter is set if only one connection can write at a time. Writes then wait
	// in this program and are committed together; see sqlite.go.
	oneWriter bool
	// direct sends statements to the driver without database/sql; see direct.go.
	direct bool
	// isRetryable reports whether a statement failed because of another transaction, so
	// that it may succeed when it is run again.
	isRetryable func(error) bool
}

var (
	onConflict = [2]string{"INSERT INTO", " ON CONFLICT DO NOTHING"}
	// onDuplicate locks the existing row for writing. INSERT IGNORE locks it for reading,
	// and the query for the newest row would then deadlock with other requests.
	onDuplicate = [2]string{"INSERT INTO", " ON DUPLICATE KEY UPDATE version = version + 1"}

	dialects = map[string]dialect{
		"sqlite3":   {insertNew: onConflict, oneWriter: true, isRetryable: isLocked},
		"postgres":  {insertNew: onConflict, newest: " FOR UPDATE", direct: true, isRetryable: isSerializationFailure},
		"cockroach": {insertNew: onConflict, newest: " FOR UPDATE", direct: true, isRetryable: isSerializationFailure},
		"mysql":     {insertNew: onDuplicate, newest: " FOR UPDATE", isRetryable: isDeadlock},
	}
)

// isLocked reports whether another program or connection writes to SQLite. It compares
// text, because importing the driver for its error would link it into every program.
func isLocked(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "database is locked")
}

// isSerializationFailure also reports deadlocks (40P01), and statements that were prepared
// before a migration (0A000).
func isSerializationFailure(err error) bool {
	var coded interface{ SQLState() string }
	if !errors.As(err, &coded) {
		return false
	}
	state := coded.SQLState()
	return state == "40001" || state == "40P01" || state == "0A000"
}

// isDeadlock also reports MariaDB's error 1020, for innodb_snapshot_isolation.
func isDeadlock(err error) bool {
	var numbered *mysql.MySQLError
	return errors.As(err, &numbered) && (numbered.Number == 1213 || numbered.Number == 1020)
}
