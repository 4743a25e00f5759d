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
	// finishTimeout bounds all that a sign-in asks of a provider.
	finishTimeout = 3 * providerTimeout
	// keysPause and keysBurst say how often a provider is asked for its keys: every
	// token of a key that is not known makes us ask, and anybody can make one up.
	keysPause = time.Second
	keysBurst = 3
	// maxAnswer is far more than any answer of a provider holds, in bytes.
	maxAnswer = 1 << 20
)

var errAnswerTooLarge = fmt.Errorf("the provider's answer is over %d bytes", maxAnswer)

// newClient returns the client that talks to providers: it waits and reads so
// much and no more, and goes nowhere but where it was sent.
func newClient() *http.Client {
	return &http.Client{
		Timeout:   providerTimeout,
		Transport: limited{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the provider answers with a redirect")
		},
	}
}

// limited ends answers that are too large with an error.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = &limitedBody{answer.Body, maxAnswer}
	}
	return answer, err
}

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errAnswerTooLarge
	}
	return n, err
}

// slowed returns a client like another whose requests wait until they are few
// enough, as long as they have time. go-oidc has one under way for all tokens that
// wait for keys, and none for tokens of keys that it knows: those do not wait.
func slowed(client *http.Client) *http.Client {
	slow := *client
	slow.Transport = patient{client.Transport, rate.NewLimiter(rate.Every(keysPause), keysBurst)}
	return &slow
}

type patient struct {
	http.RoundTripper
	limiter *rate.Limiter
}

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := p.limiter.Wait(r.Context()); err != nil {
		return nil, fmt.Errorf("too many keys that nobody knows: %w", err)
	}
	return p.RoundTripper.RoundTrip(r)
}
