// Package buffalo holds the files that the guest book's binary carries along.
package buffalo

import "embed"

// Migrations holds the folder migrations.
//
//go:embed migrations/*.fizz
var Migrations embed.FS

// Templates holds the folder templates.
//
//go:embed templates
var Templates embed.FS
