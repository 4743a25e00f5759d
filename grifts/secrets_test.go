package grifts

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/config"
)

// anySecret matches 16 bytes or more in hex.
var anySecret = regexp.MustCompile(`[0-9a-fA-F]{32,}`)

func TestRotateSecret(t *testing.T) {
	for older, says := range map[int]string{1: "followed by 1 older secret.", 2: "followed by 2 older secrets."} {
		var out bytes.Buffer
		err := rotate(&out, func(path string) (int, error) {
			if path != ".env" {
				t.Errorf("it changes %q", path)
			}
			return older, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{says, "Restart the app", "SESSION_REMEMBER_LIFETIME"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, &out)
			}
		}
		if found := anySecret.FindString(out.String()); found != "" {
			t.Errorf("it prints %s", found)
		}
	}
}

// TestRotateSecret_Given checks what is printed if the environment sets the secret: one
// new secret with instructions, and no older secret.
func TestRotateSecret_Given(t *testing.T) {
	var out bytes.Buffer
	err := rotate(&out, func(string) (int, error) { return 0, config.ErrSecretGiven })
	if !errors.Is(err, config.ErrSecretGiven) || anySecret.MatchString(err.Error()) {
		t.Errorf("%v, want ErrSecretGiven without a secret", err)
	}
	printed := anySecret.FindAllString(out.String(), -1)
	if len(printed) != 1 || len(printed[0]) != 64 || !strings.HasPrefix(out.String(), printed[0]+"\n") {
		t.Errorf("want one new secret on the first line, got\n%s", &out)
	}
	for _, want := range []string{"in front of", "Restart every instance", "SESSION_REMEMBER_LIFETIME"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestRotateSecret_Refused(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	if err := rotate(&out, func(string) (int, error) { return 0, broken }); !errors.Is(err, broken) || out.Len() > 0 {
		t.Errorf("%v, printed %q; want only the error", err, &out)
	}
}
