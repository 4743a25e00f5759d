package signin

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// AttemptLifetime is how long a sign-in may take at a provider.
	AttemptLifetime = 10 * time.Minute
	// maxAttempts is how many attempts a browser may have open: enough for several tabs,
	// and few enough for the headers of its requests.
	maxAttempts = 5
	// attemptPrefix starts the names of the cookies; the first characters of the state
	// follow.
	attemptPrefix = "signin-"
	stateInName   = 8
	// maxCookie is the largest cookie that browsers accept, with its attributes, in bytes
	// (RFC 6265, 6.1).
	maxCookie = 4096
)

// attempt is a sign-in in progress, kept in a cookie.
type attempt struct {
	LoginRequest
	Provider string `json:"p"`
	State    string `json:"s"`
	Session  string `json:"g"` // goth's session
	Started  int64  `json:"b"` // Unix time
}

// cookieName returns the name of an attempt's cookie.
func (f *Flow) cookieName(state string) string {
	name := attemptPrefix + state[:min(stateInName, len(state))]
	if f.secure {
		return "__Host-" + name
	}
	return name
}

// keep stores an attempt in its cookie. If the cookie would be too large for browsers,
// it leaves out where to return to.
func (f *Flow) keep(w http.ResponseWriter, a attempt) error {
	c, err := f.cookieOf(a)
	if err != nil {
		return err
	}
	if len(c.String()) > maxCookie {
		a.ReturnTo = ""
		if c, err = f.cookieOf(a); err != nil {
			return err
		}
	}
	http.SetCookie(w, c)
	return nil
}

func (f *Flow) cookieOf(a attempt) (*http.Cookie, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false) // makes it longer
	if err := encoder.Encode(a); err != nil {
		return nil, fmt.Errorf("store sign-in attempt: %w", err)
	}
	name := f.cookieName(a.State)
	return f.cookie(name, f.sealer.seal(name, plain.Bytes()), int(AttemptLifetime/time.Second)), nil
}

// take returns the attempt that a response belongs to. It deletes the cookie of an
// expired one.
func (f *Flow) take(w http.ResponseWriter, r *http.Request, provider, state string) (a attempt, ok bool) {
	name := f.cookieName(state)
	cookies := r.CookiesNamed(name)
	if state == "" || len(cookies) == 0 {
		return a, false
	}
	plain, ok := f.sealer.open(name, cookies[0].Value)
	if !ok || len(cookies) > 1 {
		return a, false
	}
	if err := json.Unmarshal(plain, &a); err != nil {
		return a, false // written by another version
	}
	if subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) != 1 || a.Provider != provider {
		return attempt{}, false
	}
	if f.now().Unix()-a.Started > int64(AttemptLifetime/time.Second) {
		f.deleteCookie(w, name)
		return attempt{}, false
	}
	return a, true
}

// makeRoom deletes the oldest attempts if the browser has too many.
func (f *Flow) makeRoom(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, f.cookieName("")) {
			names = append(names, c.Name)
		}
	}
	// Browsers send the oldest cookies first (RFC 6265, 5.4).
	for _, name := range names[:max(0, len(names)-maxAttempts+1)] {
		f.deleteCookie(w, name)
	}
}

func (f *Flow) deleteCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, f.cookie(name, "", -1))
}

func (f *Flow) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode,
	}
}
