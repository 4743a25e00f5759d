package sessionmw

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/gobuffalo/envy"
	"github.com/gorilla/sessions"
)

const (
	// minSecretBytes is what [sessionstore.Options] requires.
	minSecretBytes = 32
	// buffaloSecret is what Buffalo signs with in development and test when
	// SESSION_SECRET is empty.
	buffaloSecret = "buffalo-secret"

	newSecretHint = "make one with `openssl rand -hex 32`"
)

// Secrets returns the secrets in the environment variable SESSION_SECRET, for
// Options.Secrets. Several are separated by commas: the first signs, all verify.
// It returns an error if there is none, or one has fewer than 32 bytes.
//
// In development and test, which is also what Buffalo takes an unset GO_ENV for,
// SESSION_SECRET may be empty or short. Empty stands for a fixed secret, and a
// short one is replaced by its SHA-256 hash, which is no harder to guess.
func Secrets() ([][]byte, error) {
	texts := secretTexts()
	if len(texts) == 0 {
		return nil, errors.New("SESSION_SECRET is empty: " + newSecretHint)
	}
	secrets := make([][]byte, len(texts))
	for i, text := range texts {
		secret, err := longEnough(text)
		if err != nil {
			return nil, err
		}
		secrets[i] = secret
	}
	return secrets, nil
}

// secretTexts returns the secrets as they are in SESSION_SECRET.
func secretTexts() []string {
	var texts []string
	for text := range strings.SplitSeq(envy.Get("SESSION_SECRET", ""), ",") {
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 && isLocal() {
		return []string{buffaloSecret}
	}
	return texts
}

// longEnough returns the secret of at least minSecretBytes that text stands for.
func longEnough(text string) ([]byte, error) {
	if len(text) >= minSecretBytes {
		return []byte(text), nil
	}
	if isLocal() {
		hash := sha256.Sum256([]byte(text))
		return hash[:], nil
	}
	return nil, fmt.Errorf("SESSION_SECRET has a secret of %d bytes, and needs at least %d: %s; to keep people signed in, set OLD_SESSION_SECRET to the short one",
		len(text), minSecretBytes, newSecretHint)
}

// isLocal reports whether the app runs in development or test.
func isLocal() bool {
	env := goEnv()
	return env == "development" || env == "test"
}

// OldCookies returns the cookie store that Buffalo gives an app without a
// SessionStore, for Options.Adopt. It verifies cookies with OLD_SESSION_SECRET, with
// SESSION_SECRET, both as Buffalo used them, and in development and test with
// Buffalo's fixed secret. Anyone who guesses one of them can sign in as any user
// until Options.AdoptUntil, as before: keep that date near if a secret is short.
//
// An app that had a store of its own passes that to Options.Adopt instead.
func OldCookies() sessions.Store {
	var pairs [][]byte // for signing and for encryption, which Buffalo does not use
	for _, secret := range oldSecrets() {
		if secret != "" {
			pairs = append(pairs, []byte(secret), nil)
		}
	}
	return sessions.NewCookieStore(pairs...)
}

func oldSecrets() []string {
	secrets := []string{envy.Get("OLD_SESSION_SECRET", ""), envy.Get("SESSION_SECRET", "")}
	if isLocal() {
		secrets = append(secrets, buffaloSecret)
	}
	return secrets
}
