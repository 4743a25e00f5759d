// Package environ makes the environment win over the file .env.
//
// Envy loads .env over the environment before main starts, so that a setting
// given on the command line would lose to a file. This package imports only os
// and strings, so Go initialises it before envy (the language initialises packages
// in the order of their import paths, each as soon as what it imports is
// ready), and remembers what the program was started with.
package environ

import (
	"os"
	"strings"
)

var atStart = os.Environ()

// Restore sets every variable that the program was started with back to the
// value it had then. Variables that only .env gives stay. It returns the first
// error of os.Setenv.
func Restore() error {
	for _, variable := range atStart {
		name, value, ok := strings.Cut(variable, "=")
		if !ok || name == "" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}
