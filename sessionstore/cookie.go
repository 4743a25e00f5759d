package sessionstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
)

const (
	// tokenBytes is the number of random bytes of a sid and of a secret: 144 bits,
	// where ASVS 5.0, 7.2.3 requires 128. As a multiple of 3 it needs no padding in
	// base64, so that every sid has one spelling.
	tokenBytes = 18
	tokenChars = tokenBytes / 3 * 4
	macChars   = 43 // 32 bytes in base64url without padding

	cookieChars = tokenChars + 1 + tokenChars + 1 + macChars
)

// A token is the part of a cookie that the mac signs. The secret proves that the store
// issued it.
type token struct {
	sid, secret string
}

func newToken() token {
	return token{sid: randomText(), secret: randomText()}
}

func randomText() string {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never returns an error
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// isSID reports whether text has the form of a sid. Some databases return an error if
// they are queried for other text.
func isSID(text string) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(b) == tokenBytes && len(text) == tokenChars
}

// hash is the secret's hash as text, as the column secret_hash has it.
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

// verify checks a cookie's value and returns its token. old reports that it was not signed
// with the first secret. It compares macs as text, so that a cookie has one spelling, and
// in constant time.
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

// cookieValue returns the value of the request's session cookie. If there are two with that
// name, it returns "": one of them may be planted (RFC 6265, 8.6).
func cookieValue(r *http.Request, name string) string {
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return ""
	}
	return cookies[0].Value
}

// setCookie sets the cookie of the session's row, unless the request has an access token.
// The cookie of a remembered session lasts as long as the row.
func (b *bound) setCookie(ctx context.Context, w http.ResponseWriter) error {
	if b.bearer {
		return nil
	}
	r, err := b.fullRow(ctx)
	if err != nil {
		return err
	}
	b.out, b.options = w, *b.session.Options
	maxAge := b.session.Options.MaxAge
	if r.Remembered {
		maxAge = int(math.Ceil(r.deadline.Sub(b.now()).Seconds()))
	}
	b.putCookie(w, b.keys[0].sign(b.row.token), maxAge)
	return nil
}

// fullRow returns the session's row with all columns. If the session has just ended, it
// returns those that are known.
func (b *bound) fullRow(ctx context.Context) (row, error) {
	if b.row.full {
		return b.row, nil
	}
	ctx, cancel := b.saving(ctx)
	defer cancel()
	r, err := b.look(ctx, b.row.SID)
	if errors.Is(err, ErrNotFound) {
		return b.row, nil
	}
	return r, wrap("save session", err)
}

// putCookie sets the session's cookie, and removes one with that name that the response
// already sets. maxAge is as in http.Cookie. A program that replaces session.Options often
// sets no Path. The browser would then use the path of the request, and could later send
// two cookies.
func (b *bound) putCookie(w http.ResponseWriter, value string, maxAge int) {
	name := b.session.Name()
	removeCookie(w, name)
	options := *b.session.Options
	options.MaxAge = maxAge
	if options.Path == "" {
		options.Path = b.opts.Cookie.Path
	}
	w.Header().Add("Set-Cookie", sessions.NewCookie(name, value, &options).String())
	keepFromCaches(w.Header())
}

// removeCookie removes the cookies of that name that the response sets.
func removeCookie(w http.ResponseWriter, name string) {
	if others := slices.DeleteFunc(w.Header()["Set-Cookie"], isCookie(name)); len(others) > 0 {
		w.Header()["Set-Cookie"] = others
	} else {
		w.Header().Del("Set-Cookie")
	}
}

// keepFromCaches tells caches that the response depends on the cookie, and that they must
// not store its Set-Cookie (RFC 9111, 5.2.2.4).
func keepFromCaches(h http.Header) {
	if !headerHas(h, "Vary", "Cookie") {
		h.Add("Vary", "Cookie")
	}
	if !headerHas(h, "Cache-Control", "no-store") && !headerHas(h, "Cache-Control", noCacheCookie) {
		h.Add("Cache-Control", noCacheCookie)
	}
}

const noCacheCookie = `no-cache="Set-Cookie"`

// headerHas reports whether a header has a value in its comma-separated list.
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

// IsBearer reports whether a request has an access token, valid or not, so that its cookie
// is ignored. Such a request needs no protection against CSRF. It is always false without
// [Options].Bearer. It is safe for concurrent use.
func (s *Store) IsBearer(r *http.Request) bool {
	return s.opts.Bearer && slices.ContainsFunc(r.Header["Authorization"], func(header string) bool {
		_, ok := cutBearer(header)
		return ok
	})
}

// presented returns the request's access token if it has one, and otherwise its cookie
// of that name.
func (s *Store) presented(r *http.Request, name string) string {
	if !s.IsBearer(r) {
		return cookieValue(r, name)
	}
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "" // ambiguous
	}
	token, _ := cutBearer(headers[0])
	return token
}

// cutBearer returns the token of an Authorization header. The scheme is not
// case-sensitive, and spaces follow it (RFC 9110, 11.1 and 11.4).
func cutBearer(header string) (token string, ok bool) {
	scheme, token := header, ""
	if i := strings.IndexAny(header, " \t,"); i >= 0 {
		scheme, token = header[:i], header[i:]
	}
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer")
}
