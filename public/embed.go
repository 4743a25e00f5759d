// Package public holds the files that browsers fetch.
package public

import (
	"embed"
	"io/fs"
)

//go:embed assets
var files embed.FS

// FS returns the files; what is served lies under assets.
func FS() fs.FS { return files }
