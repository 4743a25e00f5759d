package signin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// clock is a clock that the test sets.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// memoryGuard is a ReplayGuard in memory.
type memoryGuard struct{ ids sync.Map }

func (g *memoryGuard) Use(_ context.Context, id string, _ time.Time) (bool, error) {
	_, used := g.ids.LoadOrStore(id, true)
	return !used, nil
}

func (g *memoryGuard) IsUsed(_ context.Context, id string) (bool, error) {
	_, used := g.ids.Load(id)
	return used, nil
}

// newFakeFlow returns a flow with one fake provider. s can set its kind.
func newFakeFlow(t *testing.T, s Settings) (*Flow, *testoidc.Fake, *clock) {
	t.Helper()
	fake, clock := testoidc.StartFake(t), newClock()
	s.Name, s.Label, s.Key, s.Secret = "fake", "Fake", "app", "s3cret"
	s.Address, s.Callback = fake.URL, "https://app.example.com/auth/fake/callback"
	flow, err := New([]Settings{s}, Options{Secrets: [][]byte{[]byte(strings.Repeat("a", 32))}, ReplayGuard: &memoryGuard{}, MaxAge: time.Hour, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return flow, fake, clock
}

// signIn signs in with the fake provider.
func signIn(t *testing.T, flow *Flow, request LoginRequest) (Identity, error) {
	t.Helper()
	w := httptest.NewRecorder()
	target, err := flow.Start(w, httptest.NewRequest(http.MethodPost, "/", nil), "fake", request)
	if err != nil {
		t.Fatal(err)
	}
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := stop.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	back, err := response.Location()
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

func claim(name string, value any) func(testoidc.Claims) {
	return func(claims testoidc.Claims) { claims[name] = value }
}
