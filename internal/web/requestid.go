package web

import (
	"context"
	"crypto/rand"
	"net/http"
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
