//go:build race

package testapp

// race says whether the tests look for data races; then the app does too.
const race = true
