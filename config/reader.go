package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobuffalo/envy"
)

// reader reads settings one by one and keeps the first error.
type reader struct {
	err error
}

func (r *reader) fail(name, wrong, example string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s; for example %s", name, wrong, example)
	}
}

// text returns a setting without the space around it. A setting that is there
// and empty is as good as none.
func (r *reader) text(name, fallback string) string {
	if value := strings.TrimSpace(envy.Get(name, "")); value != "" {
		return value
	}
	return fallback
}

func (r *reader) oneOf(name, fallback string, choices ...string) string {
	value := r.text(name, fallback)
	if !slices.Contains(choices, value) {
		r.fail(name, fmt.Sprintf("%q is none of %s", value, strings.Join(choices, ", ")), name+"="+fallback)
	}
	return value
}

func (r *reader) boolean(name string) bool {
	return r.oneOf(name, "false", "true", "false") == "true"
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value := r.text(name, fallback.String())
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second {
		r.fail(name, fmt.Sprintf("%q is no time of a second or more", value), name+"=90m")
	}
	return d
}

// number returns a whole number of 0 or more, and 0 where there is none.
func (r *reader) number(name string) int {
	value := r.text(name, "0")
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		r.fail(name, fmt.Sprintf("%q is no whole number of 0 or more", value), name+"=5")
	}
	return n
}

func (r *reader) port() string {
	value := r.text("PORT", "3000")
	if _, err := strconv.ParseUint(value, 10, 16); err != nil {
		r.fail("PORT", fmt.Sprintf("%q is no port", value), "PORT=3000")
	}
	return value
}

func (r *reader) prefixes(name string) []netip.Prefix {
	var prefixes []netip.Prefix
	for field := range strings.SplitSeq(r.text(name, ""), ",") {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(field)
		if err != nil {
			r.fail(name, fmt.Sprintf("%q is no network", field), name+"=10.0.0.0/8,127.0.0.1/32")
			continue
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func (r *reader) logLevel() slog.Level {
	var level slog.Level
	value := r.oneOf("LOG_LEVEL", "info", "debug", "info", "warn", "error")
	if err := level.UnmarshalText([]byte(value)); err != nil && r.err == nil {
		r.err = fmt.Errorf("LOG_LEVEL: %w", err)
	}
	return level
}
