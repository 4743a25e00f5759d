package sessionstore

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
)

const (
	// tokenBytes of randomness make a sid, and again a secret: 144 bits each,
	// over the 128 of ASVS 5.0 7.2.3, and base64 without a rest, so that
	// every sid has one spelling.
	tokenBytes = 18
	tokenChars = tokenBytes / 3 * 4
	macChars   = 43 // 32 bytes in base64url without padding

	cookieChars = tokenChars + 1 + tokenChars + 1 + macChars

	// minSecretBytes is what HMAC-SHA-256 makes full use of.
	minSecretBytes = 32
)

// macLabel keeps the key of the cookie's mac apart from every other key that
// is derived from the same secret.
const macLabel = "latchkey session cookie mac v1"

// A token is what the cookie proves: which row, and that it was handed out.
type token struct {
	sid, secret string
}

func newToken() token {
	return token{sid: randomText(), secret: randomText()}
}

func randomText() string {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails: the program would have ended
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isSID reports whether text could be a sid. What could not, some databases
// refuse to look for.
func isSID(text string) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(b) == tokenBytes && len(text) == tokenChars
}

// hash is all that the database knows of the secret.
func (t token) hash() string {
	sum := sha256.Sum256([]byte(t.secret))
	return hex.EncodeToString(sum[:])
}

func (t token) matches(hash string) bool {
	return subtle.ConstantTimeCompare([]byte(t.hash()), []byte(hash)) == 1
}

// A signer signs cookies with one secret.
type signer struct {
	key []byte
}

// newSigners derives a key from each secret with HKDF (RFC 5869).
func newSigners(secrets [][]byte) ([]signer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("sessionstore: Options.Secrets is empty: give at least one secret")
	}
	signers := make([]signer, 0, len(secrets))
	for i, secret := range secrets {
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("sessionstore: Options.Secrets[%d] has %d bytes, want at least %d", i, len(secret), minSecretBytes)
		}
		key, err := hkdf.Key(sha256.New, secret, nil, macLabel, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("sessionstore: derive key: %w", err)
		}
		signers = append(signers, signer{key})
	}
	return signers, nil
}

// mac signs "<sid>.<secret>", as text.
func (s signer) mac(signed string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(signed))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (s signer) cookie(t token) string {
	signed := t.sid + "." + t.secret
	return signed + "." + s.mac(signed)
}

// verify checks a cookie's value and takes it apart. old reports that it was
// signed under another secret than the first. Macs are compared as text, in
// constant time, so a cookie has one spelling only.
func (s *Store) verify(value string) (t token, old, ok bool) {
	if len(value) != cookieChars || value[tokenChars] != '.' || value[2*tokenChars+1] != '.' {
		return token{}, false, false
	}
	signed, mac := value[:2*tokenChars+1], value[2*tokenChars+2:]
	for i, signer := range s.signers {
		if subtle.ConstantTimeCompare([]byte(signer.mac(signed)), []byte(mac)) == 1 {
			return token{sid: signed[:tokenChars], secret: signed[tokenChars+1:]}, i > 0, true
		}
	}
	return token{}, false, false
}

// cookieValue returns the request's session cookie. Two of one name are none:
// nobody can say which of them this site set, and somebody planted the other
// (RFC 6265, 8.6).
func cookieValue(r *http.Request, name string) string {
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// setCookie sets the session's cookie, in place of one that this response
// already sets under that name.
func setCookie(w http.ResponseWriter, session *sessions.Session, value string) {
	name := session.Name()
	others := slices.DeleteFunc(w.Header()["Set-Cookie"], isCookie(name))
	cookie := sessions.NewCookie(name, value, session.Options)
	w.Header()["Set-Cookie"] = append(others, cookie.String())
}

// cookieIsSet reports whether this response sets a cookie of that name.
func cookieIsSet(w http.ResponseWriter, name string) bool {
	return slices.ContainsFunc(w.Header()["Set-Cookie"], isCookie(name))
}

func isCookie(name string) func(string) bool {
	return func(header string) bool { return strings.HasPrefix(header, name+"=") }
}
