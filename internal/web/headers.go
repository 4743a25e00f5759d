package web

import (
	"net/http"

	"github.com/unrolled/secure"
)

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
