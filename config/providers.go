package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gobuffalo/envy"

	"github.com/latchkey/latchkey/signin"
)

// openIDPrefix begins the settings of providers of OpenID Connect that are not
// known by name.
const openIDPrefix = "OPENID_CONNECT"

// namedOpenID matches the keys and secrets of all but the first of those.
var namedOpenID = regexp.MustCompile(`^OPENID_CONNECT_([A-Z0-9_]+)_(?:KEY|SECRET)$`)

// maxProvider is the longest name of a provider, in bytes: it is kept with each of
// its sessions.
const maxProvider = 64

// providers reads who may sign people in. A provider is on when it has a key and a
// secret.
func (r *reader) providers(base string) []signin.Settings {
	var found []signin.Settings
	add := func(kind signin.Kind, name, prefix, address string) {
		key, secret := r.text(prefix+"_KEY", ""), r.text(prefix+"_SECRET", "")
		switch {
		case key == "" && secret == "":
			return
		case key == "":
			r.fail(prefix+"_KEY", "not set, while "+prefix+"_SECRET is", prefix+"_KEY=the client id that the provider gave you")
		case secret == "":
			r.fail(prefix+"_SECRET", "not set, while "+prefix+"_KEY is", prefix+"_SECRET=the client secret that the provider gave you")
		}
		found = append(found, signin.Settings{
			Kind: kind, Name: name, Key: key, Secret: secret,
			Label:    r.text(prefix+"_LABEL", kind.Label),
			Address:  r.issuer(address, kind),
			Callback: base + "/auth/" + name + "/callback",
			Untimed:  !r.tellsTime(prefix+"_AUTH_TIME", kind),
		})
	}
	for _, kind := range signin.Kinds {
		prefix := strings.ToUpper(kind.Name)
		if kind.OAuthOnly() && r.text(prefix+"_URL", "") != "" {
			r.fail(prefix+"_URL", "cannot be set: "+kind.Label+" is at "+kind.Address+" only", "leave it out; OPENID_CONNECT_DISCOVERY_URL is for a server of your own")
		}
		add(kind, kind.Name, prefix, prefix+"_URL")
	}
	add(signin.OpenIDConnect, signin.OpenIDConnect.Name, openIDPrefix, openIDPrefix+"_DISCOVERY_URL")
	for _, middle := range r.namesOfOpenID() {
		name, prefix := strings.ToLower(strings.ReplaceAll(middle, "_", "-")), openIDPrefix+"_"+middle
		if r.isTaken(name) {
			r.fail(prefix+"_KEY", fmt.Sprintf("%q is the name of another way to sign in", name), openIDPrefix+"_ACME_KEY")
		}
		if len(name) > maxProvider {
			r.fail(prefix+"_KEY", fmt.Sprintf("the name is over %d characters", maxProvider), openIDPrefix+"_ACME_KEY")
		}
		kind := signin.OpenIDConnect
		kind.Label = name
		add(kind, name, prefix, prefix+"_DISCOVERY_URL")
	}
	return found
}

// namesOfOpenID are the names that stand in settings that are not empty, as they
// stand there.
func (r *reader) namesOfOpenID() []string {
	var names []string
	for _, setting := range slices.Sorted(maps.Keys(envy.Map())) {
		match := namedOpenID.FindStringSubmatch(setting)
		if match != nil && r.text(setting, "") != "" && !slices.Contains(names, match[1]) {
			names = append(names, match[1])
		}
	}
	return names
}

// tellsTime reports whether a provider says when people proved who they are. It is
// a setting where the kind does not settle it.
func (r *reader) tellsTime(name string, kind signin.Kind) bool {
	if kind.IsTimed() {
		return r.oneOf(name, "true", "true", "false") == "true"
	}
	if r.text(name, "") != "" {
		r.fail(name, "cannot be set: "+kind.Label+" is not asked for the time", "leave it out; OPENID_CONNECT_AUTH_TIME=false is for a server of your own")
	}
	return false
}

// isTaken reports whether a name stands for something else in /auth/NAME, or as a
// session's auth_method.
func (r *reader) isTaken(name string) bool {
	return name == "bypass" || name == "token" || name == signin.OpenIDConnect.Name ||
		slices.ContainsFunc(signin.Kinds, func(k signin.Kind) bool { return k.Name == name })
}

// issuer reads a provider's address. The address of its discovery document says
// it, too.
func (r *reader) issuer(name string, kind signin.Kind) string {
	address, _ := strings.CutSuffix(r.text(name, kind.Address), "/.well-known/openid-configuration")
	if !signin.IsProviderURL(address) {
		r.fail(name, fmt.Sprintf("%q is no https URL (plain http is for providers on this machine)", address), name+"=https://id.example.com")
	}
	return address
}
