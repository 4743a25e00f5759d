package web

import "fmt"

// ParseBool reads a yes or no from a JSON value, a parameter or a form: true, 1 and
// on, or false, 0 and nothing. Checkboxes send on, or nothing.
func ParseBool(given any) (value, ok bool) {
	if given == nil {
		return false, true
	}
	switch fmt.Sprint(given) {
	case "true", "1", "on":
		return true, true
	case "false", "0", "":
		return false, true
	}
	return false, false
}
