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
	minSecretBytes = 32 // as sessionstore requires
	// buffaloSecret is Buffalo's secret in development and test when SESSION_SECRET
	// is empty.
	buffaloSecret = "buffalo-secret"

	newSecretHint = "make one with `openssl rand -hex 32`"
)

// Secrets returns the secrets in the environment variable SESSION_SECRET, for
// [sessionstore.Options].Secrets. Separate several secrets with commas: the first signs,
// all verify. To rotate, put a new one in front. It returns an error if SESSION_SECRET is
// empty or a secret has fewer than 32 bytes.
//
// If GO_ENV is development, test or not set, SESSION_SECRET may be empty or short. Secrets
// then uses a fixed, public secret, or the SHA-256 hash of the short one.
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

// longEnough returns text as a secret of at least minSecretBytes.
func longEnough(text string) ([]byte, error) {
	if len(text) >= minSecretBytes {
		return []byte(text), nil
	}
	if isLocal() {
		hash := sha256.Sum256([]byte(text))
		return hash[:], nil
	}
	return nil, fmt.Errorf("SESSION_SECRET has a secret of %d bytes, and at least %d are required: %s; to keep users signed in, set OLD_SESSION_SECRET to the short one",
		len(text), minSecretBytes, newSecretHint)
}

// isLocal reports whether the app runs in development or test.
func isLocal() bool {
	env := goEnv()
	return env == "development" || env == "test"
}

// OldCookies returns the cookie store that Buffalo gives to an app without a SessionStore,
// for [sessionstore.Options].Adopt. An app that had a SessionStore sets Adopt to that store
// instead.
//
// It accepts cookies that Buffalo signed with the environment variable OLD_SESSION_SECRET
// or SESSION_SECRET; with one of several secrets in SESSION_SECRET, if that has 32 bytes or
// more; and, if GO_ENV is development, test or not set, with Buffalo's fixed secret. Anyone
// who guesses one of these secrets can sign in as any user until Options.AdoptUntil, as
// they could before; so choose an early date if a secret is short.
func OldCookies() sessions.Store {
	var pairs [][]byte // each a key to sign and one to encrypt, which Buffalo does not do
	for _, secret := range oldSecrets() {
		if secret != "" {
			pairs = append(pairs, []byte(secret), nil)
		}
	}
	return sessions.NewCookieStore(pairs...)
}

func oldSecrets() []string {
	secrets := []string{envy.Get("OLD_SESSION_SECRET", ""), envy.Get("SESSION_SECRET", "")}
	for _, text := range secretTexts() {
		// A short part is not a secret that was rotated, but comes from a secret with a
		// comma, and could be guessed.
		if len(text) >= minSecretBytes {
			secrets = append(secrets, text)
		}
	}
	if isLocal() {
		secrets = append(secrets, buffaloSecret)
	}
	return secrets
}
