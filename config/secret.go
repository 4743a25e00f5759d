package config

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/joho/godotenv"

	"github.com/latchkey/latchkey"
)

const (
	// secretBytes is the least length of a secret, and the length of a new one.
	secretBytes = 32
	// minDistinct is how many different bytes a secret must have. 32 random bytes have
	// more; placeholders such as 000... or abcabc... have fewer.
	minDistinct = 10
)

const secretExample = "the output of `app task secret:generate`"

// NewSecret returns a new random value for SESSION_SECRET.
func NewSecret() string {
	var b [secretBytes]byte
	rand.Read(b[:]) // never returns an error
	return hex.EncodeToString(b[:])
}

// secrets reads SESSION_SECRET. In development and test, a missing secret is replaced
// by a random one, which signs everyone out at the next start. FirstRun prevents that.
func (r *reader) secrets(local bool) [][]byte {
	value := r.text("SESSION_SECRET", "")
	if value == "" && local {
		value = NewSecret()
	}
	var secrets [][]byte
	for field := range strings.SplitSeq(value, ",") {
		secret, wrong := parseSecret(strings.TrimSpace(field), local)
		if wrong != "" {
			r.fail("SESSION_SECRET", wrong, secretExample)
			return nil
		}
		secrets = append(secrets, secret)
	}
	return secrets
}

// parseSecret returns a secret's bytes, or what is wrong with it. The message does not
// contain the secret.
func parseSecret(text string, local bool) (secret []byte, wrong string) {
	if text == "" {
		return nil, "missing, or empty between two commas"
	}
	secret, ok := decodeSecret(text)
	switch {
	case !ok:
		return nil, "neither hex nor base64"
	case len(secret) < secretBytes:
		return nil, fmt.Sprintf("%d bytes long, must be at least %d", len(secret), secretBytes)
	case local:
		return secret, ""
	case isExample(secret):
		return nil, "a published example"
	case distinct(secret) < minDistinct:
		return nil, "not random"
	}
	return secret, ""
}

// isExample reports whether the secret is in .env.example or .env.test, in any encoding.
func isExample(secret []byte) bool {
	for _, file := range []string{latchkey.EnvExample, latchkey.EnvTest} {
		settings, err := godotenv.Unmarshal(file)
		example, ok := decodeSecret(settings["SESSION_SECRET"])
		if err == nil && ok && bytes.Equal(secret, example) {
			return true
		}
	}
	return false
}

// decodeSecret decodes hex, or base64 in either alphabet, padded or not.
func decodeSecret(text string) ([]byte, bool) {
	if b, err := hex.DecodeString(text); err == nil {
		return b, true
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	return b, err == nil
}

func distinct(b []byte) int {
	n := 0
	for i, c := range b {
		if bytes.IndexByte(b, c) == i {
			n++
		}
	}
	return n
}
