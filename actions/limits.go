package actions

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/httprate"
	"github.com/gobuffalo/buffalo"
)

const (
	// signInLimit is how many sign-ins one address may begin or end, and how often
	// it may fail with the bypass or with a logout token, in a limitWindow. Many people share an address
	// at work. Each instance of the app counts for itself.
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

// limitSignIns answers 429 to an address that begins or ends too many sign-ins.
func (a *app) limitSignIns(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.limits.signIns.OnLimit(c.Response(), c.Request(), addressOf(c)) {
			a.audit(c, "signin.limited", "method", providerOf(c))
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

// refuseFailing returns errTooMany for an address that failed too often, before
// anything is done for it.
func (a *app) refuseFailing(c buffalo.Context) error {
	_, failed, err := a.limits.failures.Status(addressOf(c))
	if err == nil && math.Round(failed) >= signInLimit {
		return errTooMany
	}
	return err
}

// addressOf is what is counted: an IPv6 network, or an IPv4 address.
func addressOf(c buffalo.Context) string {
	return httprate.CanonicalizeIP(clientIP(c.Request()))
}
