package sessionstore

import "time"

// Internals that only tests need.
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

func (s *Store) Verify(cookie string) bool {
	_, _, ok := s.verify(cookie)
	return ok
}
