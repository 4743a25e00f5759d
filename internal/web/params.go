package web

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

const (
	// DefaultLimit is how many items a page of a list has if the client asks for no
	// other number, up to MaxLimit.
	DefaultLimit = 50
	MaxLimit     = 100
)

// ErrLimit is returned for a limit that is not a number from 1 to MaxLimit.
var ErrLimit = errors.New("invalid limit: must be a number from 1 to " + strconv.Itoa(MaxLimit))

// A Page is the part of a list that a client asks for.
type Page struct {
	After string // the cursor from the page before; "" for the first page
	Limit int
}

// ParsePage reads the parameters after and limit. It returns ErrLimit.
func ParsePage(query url.Values) (Page, error) {
	page := Page{After: query.Get("after"), Limit: DefaultLimit}
	text := query.Get("limit")
	if text == "" {
		return page, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > MaxLimit {
		return Page{}, ErrLimit
	}
	page.Limit = limit
	return page, nil
}

// Cursor returns a cursor for JSON: null for "".
func Cursor(next string) *string {
	if next == "" {
		return nil
	}
	return &next
}

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
