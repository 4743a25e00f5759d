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

// namedOpenID matches the keys of all but the first of those.
var namedOpenID = regexp.MustCompile(`^OPENID_CONNECT_([A-Z0-9_]+)_KEY$`)

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
	for _, setting := range slices.Sorted(maps.Keys(envy.Map())) {
		match := namedOpenID.FindStringSubmatch(setting)
		if match == nil {
			continue
		}
		name, prefix := strings.ToLower(strings.ReplaceAll(match[1], "_", "-")), openIDPrefix+"_"+match[1]
		if r.isTaken(name) {
			r.fail(setting, fmt.Sprintf("%q is the name of another way to sign in", name), openIDPrefix+"_ACME_KEY")
		}
		kind := signin.OpenIDConnect
		kind.Label = name
		add(kind, name, prefix, prefix+"_DISCOVERY_URL")
	}
	return found
}

// isTaken reports whether a name stands for something else in /auth/NAME.
func (r *reader) isTaken(name string) bool {
	return name == "bypass" || name == signin.OpenIDConnect.Name ||
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
