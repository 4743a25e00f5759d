package actions

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/httprate"
	"github.com/gobuffalo/buffalo"
)

const (
	// signInLimit is how many sign-ins one address may begin, and how often it may
	// fail with the bypass, in a limitWindow. What was begun may end: it costs nothing
	// without the attempt's cookie. Many people share an address at work. Each
	// instance of the app counts for itself.
	signInLimit = 60
	limitWindow = time.Minute
)

var limitRetryAfter = strconv.Itoa(int(limitWindow.Seconds()))

// limits count who comes too often.
type limits struct {
	signIns, failures *httprate.RateLimiter
}

func newLimits() limits {
	silent := httprate.WithResponseHeaders(httprate.ResponseHeaders{})
	return limits{
		signIns:  httprate.NewRateLimiter(signInLimit, limitWindow, silent),
		failures: httprate.NewRateLimiter(signInLimit, limitWindow, silent),
	}
}

var errTooMany = problem(http.StatusTooManyRequests, "error.429")

// limitSignIns answers 429 to an address that begins too many sign-ins.
func (a *app) limitSignIns(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.limits.signIns.OnLimit(c.Response(), c.Request(), addressOf(c)) {
			a.logRefusal(c, "signin.limited", "method", providerOf(c))
			return errTooMany
		}
		return next(c)
	}
}

// countFailure reports whether an address failed too often, and counts that it
// failed now.
func (a *app) countFailure(c buffalo.Context) (tooMany bool) {
	return a.limits.failures.OnLimit(c.Response(), c.Request(), addressOf(c))
}

// addressOf is what is counted: an IPv6 network, or an IPv4 address.
func addressOf(c buffalo.Context) string {
	return httprate.CanonicalizeIP(clientIP(c.Request()))
}
