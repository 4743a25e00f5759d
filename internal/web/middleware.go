// Package web holds what most web apps need around their handlers: request IDs,
// client addresses, logging, security headers, limits, content negotiation,
// languages, paging and problem details. It knows nothing about Latchkey.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/unrolled/secure"
)

type requestIDKey struct{}

// WithRequestID gives each request a new ID and sends it in X-Request-Id. An ID
// that the client sends is ignored, because it could repeat another request's.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// RequestID returns the request's ID, or "" outside of a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// WithClientIP replaces RemoteAddr by the client's address if the request comes
// from a trusted proxy. It reads X-Forwarded-For from the right and takes the first
// address that does not belong to a trusted proxy; anything further left may be
// forged.
func WithClientIP(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := forwardedFor(r, trusted); ok {
			_, port, _ := net.SplitHostPort(r.RemoteAddr)
			r = r.WithContext(r.Context()) // a copy: the server keeps the original
			r.RemoteAddr = net.JoinHostPort(client, port)
		}
		next.ServeHTTP(w, r)
	})
}

// ClientIP returns RemoteAddr without its port.
func ClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func forwardedFor(r *http.Request, trusted []netip.Prefix) (string, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !isTrusted(peer.Addr(), trusted) {
		return "", false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client, found := "", false
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		client, found = addr.Unmap().String(), true
		if !isTrusted(addr, trusted) {
			break
		}
	}
	return client, found
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// hstsSeconds is one year (ASVS 5.0 3.4.1).
const hstsSeconds = 365 * 24 * 60 * 60

// ContentSecurityPolicy only allows the app's own files (ASVS 5.0 3.4.3, 3.4.6).
const ContentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// SecurityHeaders sets the security headers of every response (ASVS 5.0 3.4). With
// https, it also sets Strict-Transport-Security.
func SecurityHeaders(https bool, next http.Handler) http.Handler {
	return secure.New(secure.Options{
		ContentSecurityPolicy:   ContentSecurityPolicy,
		ContentTypeNosniff:      true,
		FrameDeny:               true,
		ReferrerPolicy:          "same-origin",
		CrossOriginOpenerPolicy: "same-origin",
		PermissionsPolicy:       "camera=(), geolocation=(), microphone=()",
		STSSeconds:              hstsSeconds,
		STSIncludeSubdomains:    true,
		ForceSTSHeader:          https,
	}).Handler(next)
}

// NoStore forbids all caches to keep the responses, which differ from user to user.
func NoStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Add("Vary", "Accept")
		next.ServeHTTP(w, r)
	})
}

// WithDeadline cancels the request's context after d, so that a database that hangs
// leads to 503 as well.
func WithDeadline(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// LimitBody lets handlers read at most n bytes of a body. After that, reading
// returns an *http.MaxBytesError.
func LimitBody(n int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, n)
		next.ServeHTTP(w, r)
	})
}

// RefuseLargeBody is Buffalo middleware that returns the *http.MaxBytesError of a
// form that is larger than LimitBody allows. Buffalo reads the form before, and
// ignores the error.
func RefuseLargeBody(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		body := c.Request().Body
		if body == nil { // only in tests
			return next(c)
		}
		var tooLarge *http.MaxBytesError
		if _, err := body.Read(nil); errors.As(err, &tooLarge) {
			return tooLarge
		}
		return next(c)
	}
}

// HeadAsGet handles HEAD like GET; the server leaves out the body.
func HeadAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(r.Context()) // a copy: the server must still see HEAD
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// MethodOverride lets a form, which can only send POST, ask for DELETE, PATCH or
// PUT with its field _method. It is for buffalo.Options.
func MethodOverride(_ http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	switch method := r.PostFormValue("_method"); method {
	case http.MethodDelete, http.MethodPatch, http.MethodPut:
		r.Method = method
	}
}

// ErrCrossOrigin is returned for a request that changes something and comes from
// another site's page.
var ErrCrossOrigin = errors.New("request from another site's page")

// RefuseCrossOrigin returns Buffalo middleware that returns ErrCrossOrigin. The browser
// says in Origin and Sec-Fetch-Site where a request comes from, so forms need no token.
func RefuseCrossOrigin(check *http.CrossOriginProtection) buffalo.MiddlewareFunc {
	return func(next buffalo.Handler) buffalo.Handler {
		return func(c buffalo.Context) error {
			if err := check.Check(c.Request()); err != nil {
				return fmt.Errorf("%w: %w", ErrCrossOrigin, err)
			}
			return next(c)
		}
	}
}
