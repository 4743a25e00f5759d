//go:build !race

package testapp

const race = false
