// Package latchkey holds the files of the repository's top folder that the
// binary carries along.
package latchkey

import (
	"embed"
	"io/fs"
)

// DatabaseYML is database.yml, a template that takes DATABASE_URL from the
// environment.
//
//go:embed database.yml
var DatabaseYML []byte

// EnvExample and EnvTest are .env.example and .env.test. No secret that stands
// in them may protect anything.
//
//go:embed .env.example
var EnvExample string

//go:embed .env.test
var EnvTest string

// OpenAPI is openapi.yaml, the document of the API.
//
//go:embed openapi.yaml
var OpenAPI []byte

//go:embed migrations/*.fizz
var files embed.FS

// Migrations returns the files of the folder migrations.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the name is right, or no test would run
	}
	return sub
}
