package actions

import (
	"strconv"
	"time"

	"github.com/go-chi/httprate"
	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
)

const (
	// signInLimit is how many sign-ins one address may start in a limitWindow, and how
	// many development sign-ins may fail. Callbacks are not limited: without a sign-in
	// that was started they cost nothing. The limit is high because many people can
	// share an address. Each instance of the app counts for itself.
	signInLimit = 60
	limitWindow = time.Minute
)

var limitRetryAfter = strconv.Itoa(int(limitWindow.Seconds()))

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

// limitSignIns answers 429 to an address that starts too many sign-ins.
func (a *app) limitSignIns(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.limits.signIns.OnLimit(c.Response(), c.Request(), limitKey(c)) {
			a.logRefusal(c, "signin.limited", "method", providerName(c))
			return errTooManySignIns
		}
		return next(c)
	}
}

// countFailure counts a failed sign-in and reports whether the address had too many.
func (a *app) countFailure(c buffalo.Context) (tooMany bool) {
	return a.limits.failures.OnLimit(c.Response(), c.Request(), limitKey(c))
}

// limitKey returns the client's IPv4 address or IPv6 network.
func limitKey(c buffalo.Context) string {
	return httprate.CanonicalizeIP(web.ClientIP(c.Request()))
}
