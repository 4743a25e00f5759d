package actions

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/felixge/httpsnoop"
	"github.com/gobuffalo/buffalo"
	"github.com/klauspost/compress/gzhttp"
	"github.com/unrolled/secure"

	"github.com/latchkey/latchkey/config"
)

const (
	// maxBody is far more than any form of the app sends.
	maxBody = 1 << 20
	// hstsSeconds is the year that ASVS 5.0 3.4.1 asks for.
	hstsSeconds = 365 * 24 * 60 * 60
)

// contentSecurityPolicy allows the app's own files and nothing else
// (ASVS 5.0 3.4.3, 3.4.6).
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// Handler puts around the app what belongs to every response, static files and
// errors included, from the outside in: the request's id, the client's address,
// the log, the headers, compression, and the refusal of writes from other sites.
func Handler(cfg config.Config, b *buffalo.App, log *slog.Logger) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(cfg.Host.Scheme + "://" + cfg.Host.Host); err != nil {
		return nil, fmt.Errorf("HOST: %w", err)
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusForbidden)
	}))
	compress, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"text/html", "text/css", "application/json", "application/problem+json", "image/svg+xml"}))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", assetHandler())
	mux.Handle("/", neverStored(b))

	var h http.Handler = mux
	h = protection.Handler(h)
	h = limitBody(h)
	h = headAsGet(h)
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

// refuse answers what does not get as far as the app.
func refuse(w http.ResponseWriter, r *http.Request, status int) {
	// Should this fail, the client has gone, and nobody else is to be told.
	_ = writeProblem(w, r, status, defaultSentences[status])
}

// neverStored keeps pages, which differ from user to user, out of every cache.
func neverStored(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Add("Vary", "Accept")
		next.ServeHTTP(w, r)
	})
}

// limitBody refuses a body that says it is too large, and breaks off one that
// does not say and is.
func limitBody(next http.Handler) http.Handler {
	limited := http.MaxBytesHandler(next, maxBody)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			refuse(w, r, http.StatusRequestEntityTooLarge)
			return
		}
		limited.ServeHTTP(w, r)
	})
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

// logRequests writes one line for every request. The query stays out: a
// provider's answer carries its code there.
func logRequests(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path // Buffalo changes it
		m := httpsnoop.CaptureMetrics(next, w, r)
		log.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("method", r.Method),
			slog.String("path", path),
			slog.Int("status", m.Code),
			slog.Int64("bytes", m.Written),
			slog.Duration("duration", m.Duration.Round(time.Microsecond)),
			slog.String("ip", clientIP(r)),
			slog.String("user_agent", r.UserAgent()),
		)
	})
}
