// Package buffalo embeds the guest book's files in its binary.
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
