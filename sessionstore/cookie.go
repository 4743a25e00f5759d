package sessionstore

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"math"
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
)

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

// hash is all that the database knows of the secret, as text.
func (t token) hash() (text [2 * sha256.Size]byte) {
	sum := sha256.Sum256([]byte(t.secret))
	hex.Encode(text[:], sum[:])
	return text
}

func (t token) matches(hash string) bool {
	own := t.hash()
	return subtle.ConstantTimeCompare(own[:], []byte(hash)) == 1
}

// mac signs "<sid>.<secret>", as text.
func (k keys) mac(signed string) (text [macChars]byte) {
	m := k.macs.Get().(*macer)
	defer k.macs.Put(m)
	m.hash.Reset()
	m.signed = append(m.signed[:0], signed...)
	m.hash.Write(m.signed)
	base64.RawURLEncoding.Encode(text[:], m.hash.Sum(m.sum[:0]))
	return text
}

// sign returns the cookie's value.
func (k keys) sign(t token) string {
	signed := t.sid + "." + t.secret
	mac := k.mac(signed)
	return signed + "." + string(mac[:])
}

// verify checks a cookie's value and takes it apart. old reports that it was
// signed under another secret than the first. Macs are compared as text, in
// constant time, so a cookie has one spelling only.
func (s *Store) verify(value string) (t token, old, ok bool) {
	if len(value) != cookieChars || value[tokenChars] != '.' || value[2*tokenChars+1] != '.' {
		return token{}, false, false
	}
	signed, mac := value[:2*tokenChars+1], value[2*tokenChars+2:]
	for i, k := range s.keys {
		if own := k.mac(signed); subtle.ConstantTimeCompare(own[:], []byte(mac)) == 1 {
			return token{sid: signed[:tokenChars], secret: signed[tokenChars+1:]}, i > 0, true
		}
	}
	return token{}, false, false
}

// cookieValue returns the request's session cookie. Two cookies of one name are
// treated as none: one of them may be planted, and nothing tells which (RFC 6265, 8.6).
func cookieValue(r *http.Request, name string) string {
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// setCookie gives the browser the cookie of the session's row, unless the request has
// an access token. The cookie of a remembered session lasts as long as the row.
func (b *bound) setCookie(w http.ResponseWriter) {
	if b.bearer {
		return
	}
	b.out = w
	maxAge := b.session.Options.MaxAge
	if b.row.Remembered {
		maxAge = int(math.Ceil(b.row.deadline.Sub(b.now()).Seconds()))
	}
	setCookie(w, b.session, b.keys[0].sign(b.row.token), maxAge)
}

// setCookie sets the session's cookie, in place of one that this response
// already sets under that name. maxAge is as in http.Cookie.
func setCookie(w http.ResponseWriter, session *sessions.Session, value string, maxAge int) {
	name := session.Name()
	others := slices.DeleteFunc(w.Header()["Set-Cookie"], isCookie(name))
	options := *session.Options
	options.MaxAge = maxAge
	w.Header()["Set-Cookie"] = append(others, sessions.NewCookie(name, value, &options).String())
	keepFromCaches(w.Header())
}

// keepFromCaches tells caches that the response is for this browser, and that they
// must not store its Set-Cookie (RFC 9111, 5.2.2.4).
func keepFromCaches(h http.Header) {
	if !headerHas(h, "Vary", "Cookie") {
		h.Add("Vary", "Cookie")
	}
	if !headerHas(h, "Cache-Control", "no-store") && !headerHas(h, "Cache-Control", noCacheCookie) {
		h.Add("Cache-Control", noCacheCookie)
	}
}

const noCacheCookie = `no-cache="Set-Cookie"`

// headerHas reports whether a header with a list of values has this one.
func headerHas(h http.Header, name, value string) bool {
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(item), value) {
				return true
			}
		}
	}
	return false
}

// cookieIsSet reports whether this response sets a cookie of that name.
func cookieIsSet(w http.ResponseWriter, name string) bool {
	return slices.ContainsFunc(w.Header()["Set-Cookie"], isCookie(name))
}

func isCookie(name string) func(string) bool {
	return func(header string) bool { return strings.HasPrefix(header, name+"=") }
}
