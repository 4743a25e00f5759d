package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gobuffalo/envy"
)

// ownPrefixes start the names of our settings. Prefixes such as GITHUB_ and LOG_ are
// missing, because other programs use them too.
var ownPrefixes = []string{"BYPASS_", openIDPrefix + "_", "SESSION_", "TRUSTED_"}

// openIDSetting matches all settings that start with OPENID_CONNECT_. The reader does
// not read those of a provider that is off.
var openIDSetting = regexp.MustCompile(`^OPENID_CONNECT(_[A-Z0-9_]+)?_(KEY|SECRET|DISCOVERY_URL|LABEL|AUTH_TIME)$`)

// unknownSettings returns a warning for each variable that looks like one of our
// settings but is not. It is only a warning because the environment is shared:
// Kubernetes sets SESSION_STORE_PORT for a service named session-store, and after a
// rollback the app starts with the settings of a newer version.
func (r *reader) unknownSettings() (warnings []string) {
	variables := envy.Map()
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		prefix := ownPrefix(name)
		if prefix == "" || strings.TrimSpace(variables[name]) == "" || r.isKnown(name) {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("%s is not a setting and has no effect; the settings that start with %s are %s", name, prefix, strings.Join(r.namesWith(prefix), ", ")))
	}
	return warnings
}

func ownPrefix(name string) string {
	for _, prefix := range ownPrefixes {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}

func (r *reader) isKnown(name string) bool {
	return slices.Contains(r.names, name) ||
		openIDSetting.MatchString(name) ||
		name == "SESSION_MANAGER" // Linux desktops set it
}

// namesWith returns the names of the settings with a prefix, sorted.
func (r *reader) namesWith(prefix string) []string {
	names := slices.DeleteFunc(slices.Clone(r.names), func(name string) bool { return !strings.HasPrefix(name, prefix) })
	slices.Sort(names)
	return slices.Compact(names)
}
