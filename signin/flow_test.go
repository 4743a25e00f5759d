package signin_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/signin"
)

// memoryGuard is a ReplayGuard in memory.
type memoryGuard struct {
	mu   sync.Mutex
	used map[string]bool
	err  error // if set, all calls fail with it
}

func (m *memoryGuard) Use(_ context.Context, id string, _ time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return false, m.err
	}
	if m.used == nil {
		m.used = make(map[string]bool)
	}
	first := !m.used[id]
	m.used[id] = true
	return first, nil
}

func (m *memoryGuard) IsUsed(_ context.Context, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used[id], m.err
}

var secretA, secretB = []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))

// github returns a provider that needs no network requests to start a sign-in.
func github() []signin.Settings {
	for _, kind := range signin.Kinds {
		if kind.Name == "github" {
			return []signin.Settings{{Kind: kind, Name: "github", Label: "GitHub", Key: "k", Secret: "s", Callback: "https://app.example.com/auth/github/callback"}}
		}
	}
	return nil
}

func newFlow(t *testing.T, o signin.Options) *signin.Flow {
	t.Helper()
	if o.ReplayGuard == nil {
		o.ReplayGuard = &memoryGuard{}
	}
	flow, err := signin.New(github(), o)
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

// begin starts an attempt and returns its cookie and state.
func begin(t *testing.T, flow *signin.Flow, request signin.LoginRequest) (*http.Cookie, string) {
	t.Helper()
	w := httptest.NewRecorder()
	target, err := flow.Start(w, httptest.NewRequest("POST", "/", nil), "github", request)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	return cookies[0], address.Query().Get("state")
}

// cancel finishes an attempt with the response that the user cancelled it.
func cancel(flow *signin.Flow, state string, cookies ...*http.Cookie) (signin.LoginRequest, *httptest.ResponseRecorder, error) {
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	for _, c := range cookies {
		r.AddCookie(c)
	}
	_, request, err := flow.Finish(w, r, "github", url.Values{"state": {state}, "error": {"access_denied"}})
	return request, w, err
}

func TestFlow_Cookie(t *testing.T) {
	cookie, state := begin(t, newFlow(t, signin.Options{Secrets: [][]byte{secretA}}), signin.LoginRequest{ReturnTo: "/secret-page", LinkTo: "ada"})
	if !strings.HasPrefix(cookie.Name, "__Host-signin-") || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode ||
		cookie.Path != "/" || cookie.MaxAge != 600 {
		t.Errorf("the cookie is %s", cookie)
	}
	if strings.Contains(cookie.Value, state) || len(cookie.Value) > 1500 {
		t.Errorf("the cookie's value has %d characters: %q", len(cookie.Value), cookie.Value)
	}
	if len(state) < 26 { // 128 bits in base32
		t.Errorf("the state has %d characters", len(state))
	}
}

func TestFlow_Finish(t *testing.T) {
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}})
	request := signin.LoginRequest{ReturnTo: "/here", Remember: true, Fresh: true, LinkTo: "ada"}
	cookie, state := begin(t, flow, request)
	got, w, err := cancel(flow, state, cookie)
	if !errors.Is(err, signin.ErrDenied) || got != request {
		t.Errorf("%+v, %v", got, err)
	}
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Name != cookie.Name || cookies[0].MaxAge >= 0 {
		t.Errorf("the cookie is not deleted: %v", cookies)
	}
	if _, _, err := cancel(flow, state, cookie); !errors.Is(err, signin.ErrNoAttempt) {
		t.Errorf("again: %v", err)
	}
}

func TestFlow_Finish_ErrNoAttempt(t *testing.T) {
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}})
	cookie, state := begin(t, flow, signin.LoginRequest{})
	other, otherState := begin(t, flow, signin.LoginRequest{})
	damaged := *cookie
	damaged.Value = "AAAA" + damaged.Value[4:] // the same value by chance only once in 16 million
	moved := *other
	moved.Name = cookie.Name
	for name, err := range map[string]error{
		"NoCookie":  third(cancel(flow, state)),
		"NoState":   third(cancel(flow, "", cookie)),
		"Other":     third(cancel(flow, otherState, cookie)),
		"SameStart": third(cancel(flow, state[:8]+"XXXXXXXXXXXXXXXXXX", cookie)),
		"Damaged":   third(cancel(flow, state, &damaged)),
		"Moved":     third(cancel(flow, state, &moved)),
		"Twice":     third(cancel(flow, state, cookie, &moved)),
	} {
		if !errors.Is(err, signin.ErrNoAttempt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFlow_Finish_ASVS_10_1_2_TenMinutes(t *testing.T) {
	now := time.Now()
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}, Now: func() time.Time { return now }})
	late, lateState := begin(t, flow, signin.LoginRequest{})
	inTime, inTimeState := begin(t, flow, signin.LoginRequest{})
	now = now.Add(signin.AttemptLifetime)
	if _, _, err := cancel(flow, inTimeState, inTime); !errors.Is(err, signin.ErrDenied) {
		t.Errorf("after ten minutes: %v", err)
	}
	now = now.Add(time.Second)
	if _, _, err := cancel(flow, lateState, late); !errors.Is(err, signin.ErrNoAttempt) {
		t.Errorf("a second later: %v", err)
	}
}

func TestFlow_Finish_ErrUnknownProvider(t *testing.T) {
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}})
	_, _, err := flow.Finish(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "gitlab", nil)
	if !errors.Is(err, signin.ErrUnknownProvider) {
		t.Error(err)
	}
}

// third returns the third result of cancel.
func third(_ signin.LoginRequest, _ *httptest.ResponseRecorder, err error) error { return err }

// A new secret does not break sign-ins that are in progress.
func TestFlow_SecretRotated(t *testing.T) {
	cookie, state := begin(t, newFlow(t, signin.Options{Secrets: [][]byte{secretA}}), signin.LoginRequest{})
	rotated := newFlow(t, signin.Options{Secrets: [][]byte{secretB, secretA}})
	if _, _, err := cancel(rotated, state, cookie); !errors.Is(err, signin.ErrDenied) {
		t.Error(err)
	}
	dropped := newFlow(t, signin.Options{Secrets: [][]byte{secretB}})
	if _, _, err := cancel(dropped, state, cookie); !errors.Is(err, signin.ErrNoAttempt) {
		t.Error(err)
	}
}

// A response that arrives during a database outage can be used again.
func TestFlow_ReplayGuardFails(t *testing.T) {
	broken := errors.New("database unavailable")
	guard := &memoryGuard{err: broken}
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}, ReplayGuard: guard})
	cookie, state := begin(t, flow, signin.LoginRequest{})
	_, w, err := cancel(flow, state, cookie)
	if cookies := w.Result().Cookies(); !errors.Is(err, broken) || len(cookies) != 0 {
		t.Errorf("%v, cookies: %v", err, cookies)
	}
	guard.err = nil
	_, w, err = cancel(flow, state, cookie)
	if cookies := w.Result().Cookies(); !errors.Is(err, signin.ErrDenied) || len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		t.Errorf("%v, cookies: %v", err, cookies)
	}
	_, w, err = cancel(flow, state, cookie)
	if cookies := w.Result().Cookies(); !errors.Is(err, signin.ErrNoAttempt) || len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		t.Errorf("a third time: %v, cookies: %v", err, cookies)
	}
}

// Browsers accept cookies of up to 4096 bytes, and proxies headers of up to 8 KB.
func TestFlow_CookieSize(t *testing.T) {
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}})
	user := "b0f7ba1e-6a66-4e0e-9d5c-0c7f6ee2f0c1"
	for name, c := range map[string]struct {
		returnTo string
		kept     bool
		most     int
	}{
		"Ordinary":   {"/sessions?user=" + user + "&page=2", true, 800},
		"Ampersands": {"/?" + strings.Repeat("&", 1022), true, 2100},
		"Brackets":   {"/?" + strings.Repeat("<", 1022), true, 2100},
		"Quotes":     {"/?" + strings.Repeat(`"`, 1022), true, 4096},
		"NoUTF8":     {"/?" + strings.Repeat("\xff", 1022), false, 800},
	} {
		t.Run(name, func(t *testing.T) {
			cookie, state := begin(t, flow, signin.LoginRequest{ReturnTo: c.returnTo, Remember: true, Fresh: true, User: user})
			if len(cookie.Raw) > c.most {
				t.Errorf("%d bytes, want at most %d", len(cookie.Raw), c.most)
			}
			want := ""
			if c.kept {
				want = c.returnTo
			}
			if request, _, err := cancel(flow, state, cookie); request.ReturnTo != want || request.User != user {
				t.Errorf("%+v, %v", request, err)
			}
		})
	}
}

func TestFlow_TooManyAttempts(t *testing.T) {
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}})
	r, w := httptest.NewRequest("POST", "/", nil), httptest.NewRecorder()
	var oldest string
	for i := range 5 {
		cookie, _ := begin(t, flow, signin.LoginRequest{})
		if r.AddCookie(cookie); i == 0 {
			oldest = cookie.Name
		}
	}
	if _, err := flow.Start(w, r, "github", signin.LoginRequest{}); err != nil {
		t.Fatal(err)
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 2 || cookies[0].Name != oldest || cookies[0].MaxAge >= 0 {
		t.Errorf("the sixth attempt sets %v, want the first one deleted", cookies)
	}
}

func TestIsProviderURL(t *testing.T) {
	for address, want := range map[string]bool{
		"https://id.example.com": true, "https://id.example.com/realms/x": true, "http://localhost:9000/": true, "http://127.0.0.1:1": true, "http://[::1]:1": true,
		"http://id.example.com": false, "http://127.0.0.1.evil.example": false, "ftp://localhost": false, "": false, "id.example.com": false, "https://user@id.example.com": false,
	} {
		if got := signin.IsProviderURL(address); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
}
