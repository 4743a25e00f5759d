// Package environ makes the environment win over the file .env.
//
// Envy loads .env over the environment before main starts, so that a setting
// given on the command line would lose to a file. This package imports only os
// and strings, so Go initialises it before envy (the language initialises
// packages in the order of their import paths, each as soon as what it imports
// is ready), and remembers what the program was started with.
package environ

import (
	"os"
	"strings"
)

var atStart = parse(os.Environ())

func parse(variables []string) map[string]string {
	given := make(map[string]string)
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		if name != "" && value != "" {
			given[name] = value
		}
	}
	return given
}

// Given reports whether the program was started with a value for the variable.
// An empty one counts as none.
func Given(name string) bool {
	_, ok := atStart[name]
	return ok
}

// Restore sets every variable that the program was started with back to the
// value it had then. Variables that only .env gives stay. It returns the first
// error of os.Setenv.
func Restore() error {
	for name, value := range atStart {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
