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

// SettingError returns the error about a setting: its name, what is wrong, and an
// example of a right value.
func SettingError(name, wrong, example string) error {
	return fmt.Errorf("%s: %s; for example %s", name, wrong, example)
}

// reader reads settings. It keeps the first error and the names that it read.
type reader struct {
	err   error
	names []string
}

func (r *reader) fail(name, wrong, example string) {
	if r.err == nil {
		r.err = SettingError(name, wrong, example)
	}
}

// text returns a setting without the space around it. An empty setting counts as not
// set.
func (r *reader) text(name, fallback string) string {
	r.names = append(r.names, name)
	if value := strings.TrimSpace(envy.Get(name, "")); value != "" {
		return value
	}
	return fallback
}

func (r *reader) oneOf(name, fallback string, choices ...string) string {
	value := r.text(name, fallback)
	if !slices.Contains(choices, value) {
		r.fail(name, fmt.Sprintf("invalid value %q: must be %s", value, orList(choices)), name+"="+fallback)
	}
	return value
}

// orList joins words as in "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func (r *reader) boolean(name string) bool {
	return r.oneOf(name, "false", "true", "false") == "true"
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value := r.text(name, fallback.String())
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second {
		r.fail(name, fmt.Sprintf("invalid duration %q: must be a number with the unit h, m or s, and at least 1s", value), name+"=90m")
	}
	return d
}

// number returns a whole number of 0 or more, and 0 if the setting is not set.
func (r *reader) number(name string) int {
	value := r.text(name, "0")
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		r.fail(name, fmt.Sprintf("invalid number %q: must be a whole number, 0 or more", value), name+"=5")
	}
	return n
}

func (r *reader) port() string {
	value := r.text("PORT", "3000")
	if _, err := strconv.ParseUint(value, 10, 16); err != nil {
		r.fail("PORT", fmt.Sprintf("invalid port %q: must be a number from 0 to 65535", value), "PORT=3000")
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
			r.fail(name, fmt.Sprintf("invalid network %q: must be an IP address and a prefix length", field), name+"=10.0.0.0/8,127.0.0.1/32")
			continue
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func (r *reader) logLevel() slog.Level {
	const name = "LOG_LEVEL"
	var level slog.Level
	value := r.oneOf(name, "info", "debug", "info", "warn", "error")
	if err := level.UnmarshalText([]byte(value)); err != nil {
		r.fail(name, err.Error(), name+"=info")
	}
	return level
}
