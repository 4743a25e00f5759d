// Package locales holds the texts of the pages.
package locales

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var files embed.FS

// FS returns the texts, a file for each language.
func FS() fs.FS { return files }
