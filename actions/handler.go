package actions

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/felixge/httpsnoop"
	"github.com/gobuffalo/buffalo"
	"github.com/klauspost/compress/gzhttp"
	"github.com/unrolled/secure"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// maxBody is far more than any form of the app sends.
	maxBody = 1 << 20
	// requestTimeout is longer than anything here takes while the database works.
	requestTimeout = 10 * time.Second
	// hstsSeconds is the year that ASVS 5.0 3.4.1 asks for.
	hstsSeconds = 365 * 24 * 60 * 60
)

// contentSecurityPolicy allows the app's own files and nothing else
// (ASVS 5.0 3.4.3, 3.4.6).
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// Handler puts around the app what belongs to every response, static files and
// errors included, from the outside in: the request's id, the client's address,
// the log, the headers, compression, and the limit of the body.
func Handler(cfg config.Config, b *buffalo.App, log *slog.Logger) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "application/yaml", "application/json", "application/problem+json", "image/svg+xml"}))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	pages := neverStored(limitBody(b))
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", serveAssets(pages))
	if store, ok := b.SessionStore.(*sessionstore.Store); ok {
		mux.Handle("GET "+alivePath, neverStored(serveAlive(cfg, store, log)))
	}
	mux.Handle("/", pages)

	var h http.Handler = mux
	h = headAsGet(h)
	h = withDeadline(h)
	h = compress(h)
	h = securityHeaders(cfg).Handler(h)
	h = logRequests(log, h)
	h = withClientIP(cfg.TrustedProxies, h)
	return withRequestID(h), nil
}

func securityHeaders(cfg config.Config) *secure.Secure {
	return secure.New(secure.Options{
		ContentSecurityPolicy:   contentSecurityPolicy,
		ContentTypeNosniff:      true,
		FrameDeny:               true,
		ReferrerPolicy:          "same-origin",
		CrossOriginOpenerPolicy: "same-origin",
		PermissionsPolicy:       "camera=(), geolocation=(), microphone=()",
		STSSeconds:              hstsSeconds,
		STSIncludeSubdomains:    true,
		ForceSTSHeader:          cfg.Secure(),
	})
}

// neverStored keeps pages, which differ from user to user, out of every cache.
func neverStored(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Add("Vary", "Accept")
		next.ServeHTTP(w, r)
	})
}

// withDeadline bounds how long a request may wait, so that a database that
// hangs ends in 503 as one that is away does.
func withDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

type bodyTooLargeKey struct{}

// limitBody reads forms before Buffalo, which would drop the error of one that
// is too large, and leaves a mark for refuseLargeBody. Other bodies break off at
// the limit when they are read.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tooLarge := r.ContentLength > maxBody
		if r.Method != http.MethodGet && !tooLarge {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			var limit *http.MaxBytesError
			tooLarge = errors.As(r.ParseForm(), &limit) || errors.As(r.ParseMultipartForm(maxBody), &limit)
		}
		if tooLarge {
			r = r.WithContext(context.WithValue(r.Context(), bodyTooLargeKey{}, true))
			r.Body, r.ContentLength = http.NoBody, 0
		}
		next.ServeHTTP(w, r)
	})
}

// refuseLargeBody answers 413 to what limitBody marked.
func refuseLargeBody(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if c.Request().Context().Value(bodyTooLargeKey{}) != nil {
			return c.Error(http.StatusRequestEntityTooLarge, errBodyTooLarge)
		}
		return next(c)
	}
}

var errBodyTooLarge = fmt.Errorf("body over %d bytes", maxBody)

// refuseCrossOrigin answers 403 to a write that another site's page sent, told
// by Origin and Sec-Fetch-Site, so that no form needs a token. It looks at the
// method after methodOverride, which makes no write a read.
func (a *app) refuseCrossOrigin(next buffalo.Handler) buffalo.Handler {
	return func(c buffalo.Context) error {
		if err := a.origin.Check(c.Request()); err != nil {
			return c.Error(http.StatusForbidden, err)
		}
		return next(c)
	}
}

// headAsGet answers HEAD as GET; the server leaves the body out.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.WithContext(r.Context()) // a copy: the server must still see HEAD
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// methodOverride lets a form, which can only post, ask for DELETE, PATCH or
// PUT in its field _method.
func methodOverride(_ http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	switch method := r.PostFormValue("_method"); method {
	case http.MethodDelete, http.MethodPatch, http.MethodPut:
		r.Method = method
	}
}

type requestIDKey struct{}

// withRequestID gives the request an id of its own, which log lines and error
// messages name. One that the client sends is not taken over.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// logRequests writes one line for every request, below the usual level for those by
// which every open page asks every few seconds whether its session is alive, and it is.
// The query stays out: a provider's answer carries its code there.
func logRequests(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path // Buffalo changes it
		m := httpsnoop.CaptureMetrics(next, w, r)
		level := slog.LevelInfo
		if path == alivePath && m.Code == http.StatusNoContent {
			level = slog.LevelDebug
		}
		log.LogAttrs(r.Context(), level, "request",
			slog.String("method", r.Method),
			slog.String("path", clip(path)),
			slog.Int("status", m.Code),
			slog.Int64("bytes", m.Written),
			slog.Duration("duration", m.Duration.Round(time.Microsecond)),
			slog.String("ip", clientIP(r)),
			slog.String("user_agent", clip(r.UserAgent())),
		)
	})
}
