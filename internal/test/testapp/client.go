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

// Client sends requests to the app, like a browser. It keeps cookies and does not follow
// redirects. It is safe for concurrent use; goroutines other than the test's must use
// Try.
//
// It fails the test if a JSON response does not match openapi.yaml.
//
// It keeps cookies by name only. It also sends Secure ones over plain http, which
// net/http/cookiejar would not.
type Client struct {
	UserAgent string // "" for Go's default

	t   testing.TB
	app *App

	mu      sync.Mutex
	cookies map[string]string
}

// Response is a response with its body.
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

// Header sets a header of the request. An empty value removes it.
func Header(name, value string) RequestOption {
	return func(r *http.Request) {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
}

// Body sets the body of the request and its Content-Type.
func Body(contentType, content string) RequestOption {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", contentType)
		r.Body = io.NopCloser(strings.NewReader(content))
		r.ContentLength = int64(len(content))
	}
}

// Form sets the body of the request to a form.
func Form(form url.Values) RequestOption {
	return Body("application/x-www-form-urlencoded", form.Encode())
}

// Try sends a request with the client's cookies and keeps the cookies of the response.
func (c *Client) Try(method, path string, options ...RequestOption) (*Response, error) {
	r, err := http.NewRequest(method, c.app.URL+path, nil)
	if err != nil {
		return nil, err
	}
	if cookies := c.cookieHeader(); cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	if c.UserAgent != "" {
		r.Header.Set("User-Agent", c.UserAgent)
	}
	for _, option := range options {
		option(r)
	}
	routed, err := routedMethod(r)
	if err != nil {
		return nil, err
	}
	response, err := httpClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		return nil, fmt.Errorf("read response: %w", err)
	}
	c.keep(response.Cookies())
	c.check(testapi.Exchange{Method: routed, URL: r.URL, Status: response.StatusCode, Header: response.Header, Body: body.String()})
	return &Response{response, body.String()}, nil
}

// routedMethod returns the method that the app routes the request by. A form can
// override POST with the field _method.
func routedMethod(r *http.Request) (string, error) {
	if r.Method != http.MethodPost || r.Body == nil {
		return r.Method, nil
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("read body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(content))
	form := &http.Request{Method: r.Method, Header: r.Header, Body: io.NopCloser(bytes.NewReader(content))}
	switch override := form.PostFormValue("_method"); override {
	case http.MethodDelete, http.MethodPatch, http.MethodPut:
		return override, nil
	}
	return r.Method, nil
}

// check fails the test if a response does not match openapi.yaml.
func (c *Client) check(e testapi.Exchange) {
	if c.t == nil { // a request by Start
		return
	}
	c.t.Helper()
	if err := testapi.Check(e); err != nil {
		c.t.Errorf("%s %s: %v\n%s", e.Method, e.URL, err, e.Body)
	}
}

// Do is Try for the goroutine of the test. It fails the test if there is no response.
func (c *Client) Do(method, path string, options ...RequestOption) *Response {
	c.t.Helper()
	r, err := c.Try(method, path, options...)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// JSON sends a request for JSON, with body as JSON unless it is nil.
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

// HTML sends a request for a page, with form as the body unless it is nil.
func (c *Client) HTML(method, path string, form url.Values) *Response {
	c.t.Helper()
	options := []RequestOption{Header("Accept", browserAccept)}
	if form != nil {
		options = append(options, Form(form))
	}
	return c.Do(method, path, options...)
}

// SignIn signs a user in with the development sign-in.
func (c *Client) SignIn(username string) *Response {
	c.t.Helper()
	r := c.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": username})
	if r.StatusCode != http.StatusOK {
		c.t.Fatalf("sign in %s: %d %s", username, r.StatusCode, r.Body)
	}
	return r
}

// SessionCookie returns the only cookie, or "" if there is none.
func (c *Client) SessionCookie() (name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cookies) > 1 {
		c.t.Errorf("%d cookies, want at most one: %v", len(c.cookies), c.cookies)
	}
	for name, value = range c.cookies {
	}
	return name, value
}

// Cookies returns the client's cookies, values by name.
func (c *Client) Cookies() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.cookies)
}

// SetCookie adds or replaces a cookie.
func (c *Client) SetCookie(name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cookies[name] = value
}

// cookieHeader returns the client's cookies as a Cookie header.
func (c *Client) cookieHeader() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(c.cookies)) {
		pairs = append(pairs, name+"="+c.cookies[name])
	}
	return strings.Join(pairs, "; ")
}

// keep stores the cookies of a response and drops those that it deletes.
func (c *Client) keep(cookies []*http.Cookie) {
	c.app.addIssuedCookies(cookies)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cookie := range cookies {
		if DeletesCookie(cookie) {
			delete(c.cookies, cookie.Name)
			continue
		}
		c.cookies[cookie.Name] = cookie.Value
	}
}

// DeletesCookie reports whether a Set-Cookie header makes browsers delete the cookie.
func DeletesCookie(cookie *http.Cookie) bool {
	past := !cookie.Expires.IsZero() && cookie.Expires.Before(time.Now())
	return cookie.MaxAge < 0 || cookie.MaxAge == 0 && past
}

func (a *App) addIssuedCookies(cookies []*http.Cookie) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, cookie := range cookies {
		if cookie.Value != "" {
			a.issuedCookies = append(a.issuedCookies, cookie.Value)
		}
	}
}

// Decode decodes the JSON body into v. It fails the test if the body is not valid JSON.
func (r *Response) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Body), v); err != nil {
		t.Fatalf("%v in %q", err, r.Body)
	}
}
