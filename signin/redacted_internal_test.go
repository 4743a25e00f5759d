package signin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// Errors that name a provider's token, or hold its whole answer, leave them out.
func TestClipped(t *testing.T) {
	inner := errors.New("connection reset")
	for name, err := range map[string]error{
		"Query":  &url.Error{Op: "Get", URL: "https://graph.facebook.com/me?access_token=SECRET", Err: inner},
		"Answer": &oauth2.RetrieveError{Response: &http.Response{Status: "400 Bad Request"}, Body: []byte("SECRET"), ErrorCode: "invalid_grant"},
		"Long":   errors.New(strings.Repeat("x", 1000) + "SECRET"),
	} {
		text := redacted{fmt.Errorf("ask: %w", err)}.Error()
		if strings.Contains(text, "SECRET") || len(text) > maxErrorText+3 || text == "" {
			t.Errorf("%s: %s", name, text)
		}
		if !errors.Is(redacted{err}, err) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}
