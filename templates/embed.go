// Package templates holds the pages, in Plush.
package templates

import (
	"embed"
	"io/fs"
)

//go:embed *.html
var files embed.FS

// FS returns the pages.
func FS() fs.FS { return files }
