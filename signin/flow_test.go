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

// memory is Once for one program.
type memory struct {
	mu    sync.Mutex
	spent map[string]bool
	err   error
}

func (m *memory) Use(_ context.Context, id string, _ time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return false, m.err
	}
	if m.spent == nil {
		m.spent = make(map[string]bool)
	}
	first := !m.spent[id]
	m.spent[id] = true
	return first, nil
}

func (m *memory) IsUsed(_ context.Context, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spent[id], m.err
}

var secretA, secretB = []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))

// github is a provider that is asked nothing over the network to begin.
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
		o.ReplayGuard = &memory{}
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

// cancel finishes an attempt with the answer that it was cancelled.
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
		t.Errorf("the cookie's value, of %d characters, is %q", len(cookie.Value), cookie.Value)
	}
	if len(state) < 26 { // 128 bits in base32
		t.Errorf("the state has %d characters", len(state))
	}
}

func TestFlow_Finish(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}, Now: clock})
	request := signin.LoginRequest{ReturnTo: "/here", Remember: true, Fresh: true, LinkTo: "ada"}

	t.Run("OK", func(t *testing.T) {
		cookie, state := begin(t, flow, request)
		got, w, err := cancel(flow, state, cookie)
		if !errors.Is(err, signin.ErrDenied) || got != request {
			t.Errorf("%+v, %v", got, err)
		}
		if ended := w.Result().Cookies(); len(ended) != 1 || ended[0].Name != cookie.Name || ended[0].MaxAge >= 0 {
			t.Errorf("the cookie is not ended: %v", ended)
		}
		if _, _, err := cancel(flow, state, cookie); !errors.Is(err, signin.ErrNoAttempt) {
			t.Errorf("again: %v", err)
		}
	})
	t.Run("ErrNoAttempt", func(t *testing.T) {
		cookie, state := begin(t, flow, request)
		other, otherState := begin(t, flow, request)
		damaged := *cookie
		damaged.Value = "AAAA" + damaged.Value[4:] // which 16 million to one it was not
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
	})
	t.Run("ASVS_10_1_2_TenMinutes", func(t *testing.T) {
		late, lateState := begin(t, flow, request)
		inTime, inTimeState := begin(t, flow, request)
		now = now.Add(signin.AttemptLifetime)
		if _, _, err := cancel(flow, inTimeState, inTime); !errors.Is(err, signin.ErrDenied) {
			t.Errorf("after ten minutes: %v", err)
		}
		now = now.Add(time.Second)
		if _, _, err := cancel(flow, lateState, late); !errors.Is(err, signin.ErrNoAttempt) {
			t.Errorf("a second later: %v", err)
		}
	})
	t.Run("ErrUnknownProvider", func(t *testing.T) {
		_, _, err := flow.Finish(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "gitlab", nil)
		if !errors.Is(err, signin.ErrUnknownProvider) {
			t.Error(err)
		}
	})
}

func third(_ signin.LoginRequest, _ *httptest.ResponseRecorder, err error) error { return err }

// A secret that is put in front loses nobody who is away at a provider.
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

// Who comes back while the database is away may come back once more.
func TestFlow_OnceFails(t *testing.T) {
	broken := errors.New("the database is away")
	once := &memory{err: broken}
	flow := newFlow(t, signin.Options{Secrets: [][]byte{secretA}, ReplayGuard: once})
	cookie, state := begin(t, flow, signin.LoginRequest{})
	_, w, err := cancel(flow, state, cookie)
	if ended := w.Result().Cookies(); !errors.Is(err, broken) || len(ended) != 0 {
		t.Errorf("%v, cookies: %v", err, ended)
	}
	once.err = nil
	_, w, err = cancel(flow, state, cookie)
	if ended := w.Result().Cookies(); !errors.Is(err, signin.ErrDenied) || len(ended) != 1 || ended[0].MaxAge >= 0 {
		t.Errorf("%v, cookies: %v", err, ended)
	}
	_, w, err = cancel(flow, state, cookie)
	if ended := w.Result().Cookies(); !errors.Is(err, signin.ErrNoAttempt) || len(ended) != 1 || ended[0].MaxAge >= 0 {
		t.Errorf("a third time: %v, cookies: %v", err, ended)
	}
}

// Browsers keep a cookie of 4096 bytes, and proxies take headers of 8 KB.
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
				t.Errorf("%d bytes, want %d at most", len(cookie.Raw), c.most)
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
		t.Errorf("the sixth attempt sets %v, want the first one ended", cookies)
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
