package actions

import (
	"net/netip"
	"time"

	"github.com/go-chi/httprate"
	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/internal/web"
)

const (
	// signInLimit is how many sign-ins an IP address may start in signInWindow, and how
	// many development sign-ins may fail. For IPv6, an address is a network of 64 bits.
	// Callbacks are not limited: without a sign-in that was started they cost nothing.
	// The limit is high because many people can share an address.
	signInLimit  = 60
	signInWindow = time.Minute

	// networkLimit is the limit of an IPv6 network of networkBits, because many
	// providers give one customer that many addresses.
	networkLimit = 10 * signInLimit
	networkBits  = 48

	// changeLimit is how many access tokens and usernames a user may make in
	// changeWindow, so that nobody can bury notable events below theirs.
	changeLimit  = 60
	changeWindow = time.Hour
)

// limits count requests. Each instance of the app counts for itself.
type limits struct {
	signIns, failures addressLimit
	changes           *httprate.RateLimiter
}

func newLimits() limits {
	return limits{
		signIns:  newAddressLimit(),
		failures: newAddressLimit(),
		changes:  newLimiter(changeLimit, changeWindow),
	}
}

// newLimiter returns a limiter that sets Retry-After.
func newLimiter(limit int, window time.Duration) *httprate.RateLimiter {
	return httprate.NewRateLimiter(limit, window, httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}))
}

// An addressLimit limits what an IP address may do, and an IPv6 network.
type addressLimit struct{ addresses, networks *httprate.RateLimiter }

func newAddressLimit() addressLimit {
	return addressLimit{newLimiter(signInLimit, signInWindow), newLimiter(networkLimit, signInWindow)}
}

// isExceeded counts a request and reports whether there were too many.
func (l addressLimit) isExceeded(c buffalo.Context) bool {
	w, r := c.Response(), c.Request()
	ip := web.ClientIP(r)
	if l.addresses.OnLimit(w, r, httprate.CanonicalizeIP(ip)) {
		return true
	}
	network, ok := ipv6Network(ip)
	return ok && l.networks.OnLimit(w, r, network)
}

// ipv6Network returns the network of an IPv6 address.
func ipv6Network(ip string) (string, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Unmap().Is4() {
		return "", false
	}
	network, err := addr.WithZone("").Prefix(networkBits)
	return network.String(), err == nil
}

// limitSignIns answers 429 to an address that starts too many sign-ins.
func (a *app) limitSignIns(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.limits.signIns.isExceeded(c) {
			return errTooManySignIns
		}
		return next(c)
	}
}

// limitChanges answers 429 to a user who changes too much.
func (a *app) limitChanges(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if a.limits.changes.OnLimit(c.Response(), c.Request(), currentUser(c).ID.String()) {
			return errTooManyChanges
		}
		return next(c)
	}
}
