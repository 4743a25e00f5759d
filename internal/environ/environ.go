// Package environ makes environment variables override the file .env.
//
// Envy loads .env before main starts, and lets it override the environment. This package
// stores the environment before that. Go initializes packages sorted by import path, each
// when its imports are initialized. So this package, which imports only os and strings,
// is initialized before envy.
package environ

import (
	"os"
	"strings"
)

var atStart = parse(os.Environ())

func parse(variables []string) map[string]string {
	values := make(map[string]string)
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		if name != "" && value != "" {
			values[name] = value
		}
	}
	return values
}

// Given reports whether the program was started with a value for the variable, and not
// only an empty one.
func Given(name string) bool {
	_, ok := atStart[name]
	return ok
}

// Restore sets all variables that the program was started with back to their values.
// Variables that are only in .env keep theirs. It returns the first error of os.Setenv.
func Restore() error {
	for name, value := range atStart {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
