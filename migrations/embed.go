// Package migrations holds the database's migrations, written in fizz and
// embedded in the binary, and applies them.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed *.fizz
var files embed.FS

// FS returns the migration files. The name is the one that `buffalo build`
// calls in the binaries that it makes.
func FS() fs.FS { return files }
