package signin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

const (
	// providerTimeout bounds each request to a provider.
	providerTimeout = 5 * time.Second
	// finishTimeout bounds all requests of one sign-in.
	finishTimeout = 3 * providerTimeout
	// keysPause and keysBurst limit how often a provider's keys are fetched: every token
	// with an unknown key causes a fetch, and anyone can invent one.
	keysPause = time.Second
	keysBurst = 3
	// maxResponse is the largest response that is read, in bytes. Real ones are far
	// smaller.
	maxResponse = 1 << 20
)

var errResponseTooLarge = fmt.Errorf("the provider's response has more than %d bytes", maxResponse)

// newClient returns the HTTP client for providers. It limits time and size, and follows
// no redirects.
func newClient() *http.Client {
	return &http.Client{
		Timeout:   providerTimeout,
		Transport: sizeLimited{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the provider responded with a redirect")
		},
	}
}

// sizeLimited returns an error for responses that are too large.
type sizeLimited struct{ http.RoundTripper }

func (l sizeLimited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &limitedBody{response.Body, maxResponse}
	}
	return response, err
}

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errResponseTooLarge
	}
	return n, err
}

// rateLimited returns a copy of client that limits the rate of its requests. It is for keys:
// go-oidc makes one request for all tokens that wait, and none for known keys.
func rateLimited(client *http.Client) *http.Client {
	limited := *client
	limited.Transport = rateLimitedTransport{client.Transport, rate.NewLimiter(rate.Every(keysPause), keysBurst)}
	return &limited
}

type rateLimitedTransport struct {
	http.RoundTripper
	limiter *rate.Limiter
}

func (t rateLimitedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.limiter.Wait(r.Context()); err != nil {
		return nil, fmt.Errorf("too many unknown keys: %w", err)
	}
	return t.RoundTripper.RoundTrip(r)
}
