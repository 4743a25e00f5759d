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

// The text of an error never contains a token or a provider's whole response.
func TestRedacted(t *testing.T) {
	inner := errors.New("connection reset")
	for name, err := range map[string]error{
		"Query":    &url.Error{Op: "Get", URL: "https://graph.facebook.com/me?access_token=SECRET", Err: inner},
		"Response": &oauth2.RetrieveError{Response: &http.Response{Status: "400 Bad Request"}, Body: []byte("SECRET"), ErrorCode: "invalid_grant"},
		"Long":     errors.New(strings.Repeat("x", 1000) + "SECRET"),
	} {
		text := redacted{fmt.Errorf("ask: %w", err)}.Error()
		if strings.Contains(text, "SECRET") || len(text) > maxErrorText+3 || text == "" {
			t.Errorf("%s: %s", name, text)
		}
		if !errors.Is(redacted{err}, err) {
			t.Errorf("%s: the cause is missing", name)
		}
	}
}
