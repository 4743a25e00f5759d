package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

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
