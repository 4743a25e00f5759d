//go:build race

package testapp

// race is true if the tests run with -race. Then the app is built with it too.
const race = true
