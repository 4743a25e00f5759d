package signin

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// spent is Once for a test.
type spent struct{ ids sync.Map }

func (s *spent) Use(_ context.Context, id string, _ time.Time) (bool, error) {
	_, again := s.ids.LoadOrStore(id, true)
	return !again, nil
}

func (s *spent) IsUsed(_ context.Context, id string) (bool, error) {
	_, is := s.ids.Load(id)
	return is, nil
}

// newFakeFlow makes a flow over one provider that lies, which is of no kind in
// particular unless the settings say otherwise.
func newFakeFlow(t *testing.T, s Settings) (*Flow, *testoidc.Fake, *clock) {
	t.Helper()
	fake, clock := testoidc.StartFake(t), newClock()
	s.Name, s.Label, s.Key, s.Secret = "fake", "Fake", "app", "s3cret"
	s.Address, s.Callback = fake.URL, "https://app.example.com/auth/fake/callback"
	flow, err := New([]Settings{s}, Options{Secrets: [][]byte{[]byte(strings.Repeat("a", 32))}, ReplayGuard: &spent{}, MaxAge: time.Hour, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return flow, fake, clock
}

// signIn goes to the provider and back.
func signIn(t *testing.T, flow *Flow, request LoginRequest) (Identity, error) {
	t.Helper()
	w := httptest.NewRecorder()
	target, err := flow.Start(w, httptest.NewRequest(http.MethodPost, "/", nil), "fake", request)
	if err != nil {
		t.Fatal(err)
	}
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := stop.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	id, _, err := flow.Finish(httptest.NewRecorder(), r, "fake", back.Query())
	return id, err
}

// Five attempts at once, as many as there may be, fit into the headers that proxies
// take, which are 8 KB.
func TestOpenID_CookieSize(t *testing.T) {
	flow, _, _ := newFakeFlow(t, Settings{})
	w := httptest.NewRecorder()
	for range maxAttempts {
		request := LoginRequest{ReturnTo: "/sessions?user=b0f7ba1e-6a66-4e0e-9d5c-0c7f6ee2f0c1&page=2", Remember: true, Fresh: true, User: "b0f7ba1e-6a66-4e0e-9d5c-0c7f6ee2f0c1"}
		if _, err := flow.Start(w, httptest.NewRequest(http.MethodPost, "/", nil), "fake", request); err != nil {
			t.Fatal(err)
		}
	}
	size := 0
	for _, c := range w.Result().Cookies() {
		size += len(c.Name + "=" + c.Value + "; ")
	}
	if size > 3500 {
		t.Errorf("%d bytes, want 3500 at most", size)
	}
}

func claim(name string, value any) func(testoidc.Claims) {
	return func(claims testoidc.Claims) { claims[name] = value }
}

// Go reads a claim whose name is in other letters, or comes twice, as the claim.
func TestOpenID_ASVS_10_5_2_FoldedClaims(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	for _, name := range []string{"SUB", "\u017fub", "Nonce", "AZP", "Auth_Time", "TID", "\u017fid", "Iss", "Aud", "EXP", "iAt", "NBF", "JTI", "Events", "Email", "preferred_u\u017fername"} {
		fake.Override(testoidc.Overrides{Sign: func(h *testoidc.Fake, c testoidc.Claims) string {
			c[name] = c[strings.ToLower(name)]
			return h.Sign(c)
		}})
		if id, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Errorf("%q: %+v, %v", name, id, err)
		}
		fake.Override(testoidc.Overrides{Claims: claim("name", nil), UserInfo: claim(name, "mallory")})
		if id, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Errorf("%q in the user info: %+v, %v", name, id, err)
		}
		token := logoutClaims(fake.URL)
		token[name] = token[strings.ToLower(name)]
		err := flow.Logout(t.Context(), "fake", fake.Sign(token), func(Logout) error { return nil })
		if !errors.Is(err, ErrLogoutToken) {
			t.Errorf("%q in a logout token: %v", name, err)
		}
	}
	fake.Override(testoidc.Overrides{Claims: claim("Groups", "staff"), UserInfo: claim("Sub_Of", "x")})
	if id, err := signIn(t, flow, LoginRequest{}); err != nil || id.Subject != "mallory" {
		t.Errorf("claims that are not ours: %+v, %v", id, err)
	}
}

func TestReadClaims(t *testing.T) {
	for text, ok := range map[string]bool{
		`{"sub":"a","x":{"SUB":"b"}}`: true, `{"sub":"a","sub":"b"}`: false, `{"sub":"a","x":1,"x":2}`: true, `{"SUB":"a"}`: false,
		`[]`: false, ``: false, `{"sub":`: false, `{"sub":"a"`: false, `null`: false,
	} {
		var c claims
		if err := readClaims([]byte(text), &c); (err == nil) != ok || ok && c.Subject != "a" {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
}

func logoutClaims(issuer string) testoidc.Claims {
	return testoidc.Claims{
		"iss": issuer, "sub": "mallory", "sid": "s", "aud": "app", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"jti": time.Now().String(), "events": map[string]any{logoutEvent: map[string]any{}},
	}
}

func TestFlow_LogoutEvent(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	for name, events := range map[string]any{
		"Folded": map[string]any{strings.ToUpper(logoutEvent): map[string]any{}},
		"Null":   map[string]any{logoutEvent: nil},
		"Text":   map[string]any{logoutEvent: "yes"},
		"Other":  map[string]any{"http://schemas.openid.net/event/other": map[string]any{}},
		"None":   nil,
	} {
		token := logoutClaims(fake.URL)
		token["events"] = events
		err := flow.Logout(t.Context(), "fake", fake.Sign(token), func(Logout) error { t.Error("it was believed"); return nil })
		if !errors.Is(err, ErrLogoutToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var ended Logout
	err := flow.Logout(t.Context(), "fake", fake.Sign(logoutClaims(fake.URL)), func(l Logout) error { ended = l; return nil })
	if want := (Logout{fake.URL, "mallory", "s"}); err != nil || ended != want {
		t.Errorf("%+v, %v", ended, err)
	}
}

// A code is sent once, and our secret as the provider wants it.
func TestOpenID_SecretStyle(t *testing.T) {
	for _, c := range []struct {
		methods any
		kind    Kind
		basic   bool
	}{
		{nil, OpenIDConnect, true},
		{[]string{"client_secret_post", "client_secret_basic"}, OpenIDConnect, true},
		{[]string{"private_key_jwt"}, OpenIDConnect, true},
		{[]string{"client_secret_post", "private_key_jwt"}, OpenIDConnect, false},
		{nil, Kind{Name: "linkedin", secretInBody: true}, false},
	} {
		flow, fake, _ := newFakeFlow(t, Settings{Kind: c.kind})
		var asked []*http.Request
		client := flow.Providers[0].goth.(*openID).client
		client.Transport = seen{client.Transport, func(r *http.Request) {
			if r.URL.Path == "/token" {
				asked = append(asked, r)
			}
		}}
		fake.Override(testoidc.Overrides{Metadata: claim("token_endpoint_auth_methods_supported", c.methods), Token: func(w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}})
		if _, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Error(err)
		}
		if len(asked) != 1 {
			t.Fatalf("%+v: the code was sent %d times", c, len(asked))
		}
		if _, secret, basic := asked[0].BasicAuth(); basic != c.basic || basic && secret != "s3cret" {
			t.Errorf("%+v: basic is %t", c, basic)
		}
	}
}

// seen shows requests before they are sent.
type seen struct {
	http.RoundTripper
	show func(*http.Request)
}

func (s seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.show(r)
	return s.RoundTripper.RoundTrip(r)
}

// A wrong secret shows on the button, as a provider that does not answer.
func TestOpenID_WrongSecret(t *testing.T) {
	flow, fake, clock := newFakeFlow(t, Settings{})
	p := flow.Providers[0]
	answer := func(status int, code string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write([]byte(`{"error":"` + code + `"}`))
			return true
		}
	}
	for _, c := range []struct {
		status int
		code   string
		down   bool
	}{
		{http.StatusUnauthorized, "invalid_client", true},
		{http.StatusBadRequest, "invalid_client", true},
		{http.StatusUnauthorized, "unauthorized_client", true}, // Keycloak's
		{http.StatusBadRequest, "invalid_grant", false},        // somebody's code
		{http.StatusInternalServerError, "server_error", false},
	} {
		fake.Override(testoidc.Overrides{Token: answer(c.status, c.code)})
		if _, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
			t.Error(err)
		}
		if down := p.Unavailable(); (down != nil) != c.down {
			t.Errorf("%+v: down: %v", c, down)
		}
		clock.advance(discoveryPause)
		if down := p.Unavailable(); down != nil {
			t.Errorf("%+v, later: %v", c, down)
		}
	}
	fake.Override(testoidc.Overrides{Token: answer(http.StatusUnauthorized, "invalid_client")})
	_, _ = signIn(t, flow, LoginRequest{})
	fake.Override(testoidc.Overrides{})
	if _, err := signIn(t, flow, LoginRequest{}); err != nil || p.Unavailable() != nil {
		t.Errorf("with the secret put right: %v, down: %v", err, p.Unavailable())
	}
}

// A provider that should say when people proved who they are, and does not, cannot
// be used for a fresh sign-in, unless its settings say that it cannot know.
func TestOpenID_ASVS_7_6_1_NoProof(t *testing.T) {
	for name, c := range map[string]struct {
		settings Settings
		want     error
		prompt   string
		maxAge   bool
	}{
		"Timed":        {Settings{Kind: OpenIDConnect}, ErrNoAuthTime, "login", true},
		"NoAuthTime":   {Settings{Kind: OpenIDConnect, NoAuthTime: true}, nil, "login", false},
		"UntimedKind":  {Settings{Kind: Kind{noAuthTime: true}}, nil, "", false},
		"PromptedKind": {Settings{Kind: Kind{noAuthTime: true, prompt: "select_account"}}, nil, "select_account", false},
	} {
		t.Run(name, func(t *testing.T) {
			flow, fake, clock := newFakeFlow(t, c.settings)
			fake.Override(testoidc.Overrides{Claims: claim("auth_time", nil)})
			id, err := signIn(t, flow, LoginRequest{Fresh: true})
			if !errors.Is(err, c.want) || errors.Is(err, ErrProvider) || err == nil && !id.AuthenticatedAt.Equal(clock.now()) {
				t.Errorf("%+v, %v", id, err)
			}
			fake.Override(testoidc.Overrides{Claims: claim("auth_time", "yesterday")})
			if id, err := signIn(t, flow, LoginRequest{Fresh: true}); !errors.Is(err, ErrProvider) {
				t.Errorf("of no time: %+v, %v", id, err)
			}
			session, err := flow.Providers[0].begin(t.Context(), "the-state", true)
			if err != nil {
				t.Fatal(err)
			}
			target, err := url.Parse(session.(*openIDSession).url)
			if err != nil {
				t.Fatal(err)
			}
			if asked := target.Query(); asked.Get("prompt") != c.prompt || asked.Has("max_age") != c.maxAge {
				t.Errorf("asked for %s", target)
			}
		})
	}
}

// User info fills what the ID token leaves open. It replaces nothing, and is not
// needed.
func TestOpenID_UserInfo(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	for name, c := range map[string]struct {
		token testoidc.Claims
		info  testoidc.Claims
		want  Identity // username, name and e-mail address
	}{
		"Replaces":   {nil, testoidc.Claims{"preferred_username": "root", "email": "root@example.com", "email_verified": true}, Identity{Username: "mallory", Name: "Mallory Hostile", Email: "admin@example.com"}},
		"Verifies":   {testoidc.Claims{"email_verified": false}, testoidc.Claims{"email": "admin@example.com", "email_verified": true}, Identity{Username: "mallory", Name: "Mallory Hostile"}},
		"Fills":      {testoidc.Claims{"preferred_username": nil, "email": nil, "email_verified": nil}, testoidc.Claims{"preferred_username": "m", "email": "m@example.com", "email_verified": "true"}, Identity{Username: "m", Name: "Mallory Hostile", Email: "m@example.com"}},
		"Unverified": {testoidc.Claims{"email": nil}, testoidc.Claims{"email": "m@example.com"}, Identity{Username: "mallory", Name: "Mallory Hostile"}},
		"Nickname":   {testoidc.Claims{"preferred_username": nil, "nickname": "mal"}, testoidc.Claims{"preferred_username": "root"}, Identity{Username: "mal", Name: "Mallory Hostile", Email: "admin@example.com"}},
		"NoSubject":  {nil, testoidc.Claims{"sub": nil, "name": "Root"}, Identity{Username: "mallory", Email: "admin@example.com"}},
		"NoText":     {nil, testoidc.Claims{"name": 5}, Identity{Username: "mallory", Email: "admin@example.com"}},
		"NoName":     {nil, testoidc.Claims{"name": nil}, Identity{Username: "mallory", Email: "admin@example.com"}},
	} {
		fake.Override(testoidc.Overrides{
			Claims:   func(claims testoidc.Claims) { claims["name"] = nil; maps.Copy(claims, c.token) },
			UserInfo: func(claims testoidc.Claims) { maps.Copy(claims, c.info) },
		})
		id, err := signIn(t, flow, LoginRequest{})
		if got := (Identity{Username: id.Username, Name: id.Name, Email: id.Email}); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	fake.Override(testoidc.Overrides{Claims: claim("name", nil), UserInfo: claim("sub", "somebody-else")})
	if id, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
		t.Errorf("of somebody else: %+v, %v", id, err)
	}
	without, other, _ := newFakeFlow(t, Settings{})
	other.Override(testoidc.Overrides{Claims: claim("name", nil), Metadata: claim("userinfo_endpoint", other.URL+"/nothing")})
	if id, err := signIn(t, without, LoginRequest{}); err != nil || id.Username != "mallory" || id.Email != "admin@example.com" {
		t.Errorf("that cannot be had: %+v, %v", id, err)
	}
}

// Tokens of keys that nobody knows have us ask for the keys now and then, and not
// each time. They hold up no token of a key that is known.
func TestOpenID_StrangeKeys(t *testing.T) {
	flow, fake, _ := newFakeFlow(t, Settings{})
	// An hour, so that no test has to be quick.
	flow.Providers[0].goth.(*openID).keys.Transport = rateLimitedTransport{http.DefaultTransport, rate.NewLimiter(rate.Every(time.Hour), keysBurst)}
	var asked atomic.Int32
	fake.Override(testoidc.Overrides{Keys: func(http.ResponseWriter) bool { asked.Add(1); return false }})
	logout := func(token string) error {
		return flow.Logout(t.Context(), "fake", token, func(Logout) error { return nil })
	}
	if _, err := signIn(t, flow, LoginRequest{}); err != nil {
		t.Fatal(err)
	}
	strange := testoidc.NewKey(t)
	// go-oidc may give one more token the answer that it has just had, so nobody can
	// say which is the first that is too much. It is perhaps of a new key.
	var err error
	for i := 0; i < 100 && !errors.Is(err, ErrProvider); i++ {
		if err = logout(fake.Sign(logoutClaims(fake.URL), strange)); !errors.Is(err, ErrProvider) && !errors.Is(err, ErrLogoutToken) {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	if err := logout(fake.Sign(logoutClaims(fake.URL), strange)); !errors.Is(err, ErrProvider) {
		t.Errorf("then: %v", err)
	}
	if asked.Load() != keysBurst {
		t.Errorf("asked for the keys %d times", asked.Load())
	}
	fake.Override(testoidc.Overrides{Sign: func(h *testoidc.Fake, c testoidc.Claims) string { return h.Sign(c, strange) }})
	if _, err := signIn(t, flow, LoginRequest{}); !errors.Is(err, ErrProvider) {
		t.Errorf("an ID token: %v", err)
	}
	fake.Override(testoidc.Overrides{})
	if _, err := signIn(t, flow, LoginRequest{}); err != nil {
		t.Errorf("an ID token of a known key: %v", err)
	}
	if err := logout(fake.Sign(logoutClaims(fake.URL))); err != nil {
		t.Errorf("a logout token of a known key: %v", err)
	}
}

// Without so many of them a new key is known at once, and the limit is one of
// requests a second.
func TestSlowed(t *testing.T) {
	client := rateLimited(newClient())
	limiter := client.Transport.(rateLimitedTransport).limiter
	if limiter.Limit() != 1 || limiter.Burst() != keysBurst {
		t.Errorf("%v a second, %d at once", limiter.Limit(), limiter.Burst())
	}
	now := time.Now()
	for range keysBurst {
		limiter.AllowN(now, 1)
	}
	if limiter.AllowN(now, 1) || !limiter.AllowN(now.Add(keysPause), 1) {
		t.Error("the limit does not hold, or does not end")
	}
}
