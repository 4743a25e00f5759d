// Package web holds what most web apps need around their handlers: request IDs,
// client addresses, logging, security headers, limits, content negotiation,
// languages, paging and problem details. It knows nothing about Latchkey.
package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gobuffalo/buffalo"
)

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
