package testapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testapi"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// Client asks the app as one browser or program would: it keeps cookies and
// follows no redirects. Many goroutines may use it at once, those other than
// the test's with Try.
//
// It fails the test when the app answers in JSON what openapi.yaml does not
// have.
//
// It keeps cookies by name alone, Secure ones too. A jar of net/http/cookiejar
// would not send those of staging and production over plain http.
type Client struct {
	UserAgent string // what it says it is; "" leaves it as it is

	t   testing.TB
	app *App

	mu      sync.Mutex
	cookies map[string]string
}

// Response is an answer that was read to its end.
type Response struct {
	*http.Response
	Body string
}

// Client returns a client without cookies.
func (a *App) Client(t testing.TB) *Client { return newClient(t, a) }

func newClient(t testing.TB, a *App) *Client {
	return &Client{t: t, app: a, cookies: make(map[string]string)}
}

var httpClient = &http.Client{
	Timeout:       testproc.Patience,
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// A RequestOption changes a request before it is sent.
type RequestOption func(*http.Request)

// Header sets a header of the request; an empty value removes it.
func Header(name, value string) RequestOption {
	return func(r *http.Request) {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
}

// Body gives the request a body of that type.
func Body(contentType, content string) RequestOption {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", contentType)
		r.Body = io.NopCloser(strings.NewReader(content))
		r.ContentLength = int64(len(content))
	}
}

// Form gives the request a form as its body.
func Form(form url.Values) RequestOption {
	return Body("application/x-www-form-urlencoded", form.Encode())
}

// Try sends a request with the client's cookies and keeps those that come.
func (c *Client) Try(method, path string, options ...RequestOption) (*Response, error) {
	r, err := http.NewRequest(method, c.app.URL+path, nil)
	if err != nil {
		return nil, err
	}
	if cookies := c.header(); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	if c.UserAgent != "" {
		r.Header.Set("User-Agent", c.UserAgent)
	}
	for _, option := range options {
		option(r)
	}
	asked, err := methodOf(r)
	if err != nil {
		return nil, err
	}
	answer, err := httpClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	c.keep(answer.Cookies())
	c.check(testapi.Exchange{Method: asked, URL: r.URL, Status: answer.StatusCode, Header: answer.Header, Body: body.String()})
	return &Response{answer, body.String()}, nil
}

// methodOf is the method that the app takes the request for: a form may ask for
// another than POST. The request keeps its body.
func methodOf(r *http.Request) (string, error) {
	if r.Method != http.MethodPost || r.Body == nil {
		return r.Method, nil
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("read body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(content))
	form := &http.Request{Method: r.Method, Header: r.Header, Body: io.NopCloser(bytes.NewReader(content))}
	switch asked := form.PostFormValue("_method"); asked {
	case http.MethodDelete, http.MethodPatch, http.MethodPut:
		return asked, nil
	}
	return r.Method, nil
}

// check fails the test when the document of the API does not have an answer.
func (c *Client) check(e testapi.Exchange) {
	if c.t == nil { // nobody asks but Start
		return
	}
	c.t.Helper()
	if err := testapi.Check(e); err != nil {
		c.t.Errorf("%s %s: %v\n%s", e.Method, e.URL, err, e.Body)
	}
}

// Do is Try for the goroutine of the test, which fails when there is no answer.
func (c *Client) Do(method, path string, options ...RequestOption) *Response {
	c.t.Helper()
	r, err := c.Try(method, path, options...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// JSON asks as a program does, with a body unless it is nil.
func (c *Client) JSON(method, path string, body any) *Response {
	c.t.Helper()
	options := []RequestOption{Header("Accept", "application/json")}
	if body != nil {
		content, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		options = append(options, Body("application/json", string(content)))
	}
	return c.Do(method, path, options...)
}

// browserAccept is what browsers send for a page.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// HTML asks as a browser does, with a form unless it is nil.
func (c *Client) HTML(method, path string, form url.Values) *Response {
	c.t.Helper()
	options := []RequestOption{Header("Accept", browserAccept)}
	if form != nil {
		options = append(options, Form(form))
	}
	return c.Do(method, path, options...)
}

// SignIn signs a user in, and fails the test if that is refused.
func (c *Client) SignIn(username string) *Response {
	c.t.Helper()
	r := c.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": username})
	if r.StatusCode != http.StatusOK {
		c.t.Fatalf("sign in %s: %d %s", username, r.StatusCode, r.Body)
	}
	return r
}

// SessionCookie returns the name and the value of the only cookie, and nothing
// without one.
func (c *Client) SessionCookie() (name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cookies) > 1 {
		c.t.Errorf("%d cookies, want one at most: %v", len(c.cookies), c.cookies)
	}
	for name, value = range c.cookies {
	}
	return name, value
}

// Cookies returns the names and values of the cookies that the client has.
func (c *Client) Cookies() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.cookies)
}

// SetCookie makes the client send a cookie.
func (c *Client) SetCookie(name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cookies[name] = value
}

// header returns the client's cookies as they are sent.
func (c *Client) header() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(c.cookies)) {
		pairs = append(pairs, name+"="+c.cookies[name])
	}
	return strings.Join(pairs, "; ")
}

// keep takes over the cookies of an answer and drops those that it ends.
func (c *Client) keep(cookies []*http.Cookie) {
	c.app.noteCookies(cookies)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range cookies {
		if Ends(cookie) {
			delete(c.cookies, cookie.Name)
			continue
		}
		c.cookies[cookie.Name] = cookie.Value
	}
}

// Ends reports whether a Set-Cookie tells the browser to drop the cookie.
func Ends(cookie *http.Cookie) bool {
	past := !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now())
	return cookie.MaxAge < 0 || cookie.MaxAge == 0 && past
}

func (a *App) noteCookies(cookies []*http.Cookie) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, cookie := range cookies {
		if cookie.Value != "" {
			a.handedOut = append(a.handedOut, cookie.Value)
		}
	}
}

// Decode reads the answer's JSON into v, and fails the test if it is none.
func (r *Response) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), v); err != nil {
		t.Fatalf("%v in %q", err, r.Body)
	}
}
