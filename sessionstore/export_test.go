package sessionstore

import "time"

// What tests need to know or to change, and programs do not.
const (
	RenewalGrace            = renewalGrace
	DefaultIdleTimeout      = defaultIdleTimeout
	DefaultLifetime         = defaultLifetime
	DefaultRememberLifetime = defaultRememberLifetime
	DefaultMaxBytes         = maxBytes
	DefaultUserKey          = "user_id"
)

func (o *Options) SetTouchInterval(d time.Duration)   { o.touchInterval = d }
func (o *Options) SetCleanupInterval(d time.Duration) { o.cleanupInterval = d }
func (o *Options) SetMaxBytes(n int)                  { o.maxBytes = n }

// Verify reports whether the store accepts the signature of a cookie.
func (s *Store) Verify(cookie string) bool {
	_, _, ok := s.verify(cookie)
	return ok
}
