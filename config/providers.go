package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gobuffalo/envy"

	// signin.Kinds decides which providers have settings. Package signin imports none of
	// our packages.
	"github.com/latchkey/latchkey/signin"
)

// These sign-in methods are not providers. A provider cannot have their names, because
// the path /auth/NAME and the auth_method of a session would be ambiguous.
const (
	BypassMethod = "bypass" // the development sign-in
	TokenMethod  = "token"  // access tokens
)

// openIDPrefix starts the settings of OpenID Connect providers that are not in
// signin.Kinds.
const openIDPrefix = "OPENID_CONNECT"

// namedOpenID matches the keys and secrets of additional OpenID Connect providers, such
// as OPENID_CONNECT_ACME_KEY.
var namedOpenID = regexp.MustCompile(`^OPENID_CONNECT_([A-Z0-9_]+)_(?:KEY|SECRET)$`)

// maxProvider is the longest name of a provider, in bytes: the size of the column
// auth_method.
const maxProvider = 64

// providers reads the settings of the sign-in providers. A provider is on if it has a
// key and a secret.
func (r *reader) providers(base string) (found []signin.Settings) {
	add := func(kind signin.Kind, name, prefix, addressName string) {
		if s, ok := r.provider(kind, name, prefix, addressName); ok {
			s.Callback = base + "/auth/" + name + "/callback"
			found = append(found, s)
		}
	}
	for _, kind := range signin.Kinds {
		prefix := strings.ToUpper(kind.Name)
		if kind.OAuthOnly() && r.text(prefix+"_URL", "") != "" {
			r.fail(prefix+"_URL", "cannot be set, because "+kind.Label+" is always at "+kind.Address, "OPENID_CONNECT_DISCOVERY_URL for a server of your own")
		}
		add(kind, kind.Name, prefix, prefix+"_URL")
	}
	add(signin.OpenIDConnect, signin.OpenIDConnect.Name, openIDPrefix, openIDPrefix+"_DISCOVERY_URL")
	for _, part := range r.namedOpenID() {
		name, prefix := strings.ToLower(strings.ReplaceAll(part, "_", "-")), openIDPrefix+"_"+part
		r.checkName(name, prefix+"_KEY")
		kind := signin.OpenIDConnect
		kind.Label = name
		add(kind, name, prefix, prefix+"_DISCOVERY_URL")
	}
	return found
}

// provider reads the settings of one provider. It reports false if the provider is off.
func (r *reader) provider(kind signin.Kind, name, prefix, addressName string) (signin.Settings, bool) {
	keySetting, secretSetting := prefix+"_KEY", prefix+"_SECRET"
	key, secret := r.text(keySetting, ""), r.text(secretSetting, "")
	switch {
	case key == "" && secret == "":
		return signin.Settings{}, false
	case key == "":
		r.fail(keySetting, "not set, but "+secretSetting+" is", keySetting+"=the client ID from the provider")
	case secret == "":
		r.fail(secretSetting, "not set, but "+keySetting+" is", secretSetting+"=the client secret from the provider")
	}
	return signin.Settings{
		Kind: kind, Name: name, Key: key, Secret: secret,
		Label:      r.text(prefix+"_LABEL", kind.Label),
		Address:    r.issuer(addressName, kind),
		NoAuthTime: !r.sendsAuthTime(prefix+"_AUTH_TIME", kind),
	}, true
}

// namedOpenID returns the names of the additional OpenID Connect providers, such as ACME
// for OPENID_CONNECT_ACME_KEY.
func (r *reader) namedOpenID() []string {
	var names []string
	for _, setting := range slices.Sorted(maps.Keys(envy.Map())) {
		match := namedOpenID.FindStringSubmatch(setting)
		if match != nil && r.text(setting, "") != "" && !slices.Contains(names, match[1]) {
			names = append(names, match[1])
		}
	}
	return names
}

// checkName refuses the name of an additional OpenID Connect provider that is too long
// or that another sign-in method has.
func (r *reader) checkName(name, setting string) {
	const example = openIDPrefix + "_ACME_KEY"
	if isReserved(name) {
		r.fail(setting, fmt.Sprintf("%q is the name of another sign-in method", name), example)
	}
	if len(name) > maxProvider {
		r.fail(setting, fmt.Sprintf("the provider's name is longer than %d characters", maxProvider), example)
	}
}

func isReserved(name string) bool {
	return name == BypassMethod || name == TokenMethod || name == signin.OpenIDConnect.Name ||
		slices.ContainsFunc(signin.Kinds, func(k signin.Kind) bool { return k.Name == name })
}

// issuer reads a provider's address, which may also be that of its discovery document.
func (r *reader) issuer(name string, kind signin.Kind) string {
	address, _ := strings.CutSuffix(r.text(name, kind.Address), "/.well-known/openid-configuration")
	if !signin.IsProviderURL(address) {
		r.fail(name, fmt.Sprintf("invalid URL %q: must start with https:// (or http:// for a provider on this machine)", address), name+"=https://id.example.com")
	}
	return address
}

// sendsAuthTime reports whether a provider says when the user authenticated (the claim
// auth_time). It can be set only for kinds that usually say so.
func (r *reader) sendsAuthTime(name string, kind signin.Kind) bool {
	if kind.SendsAuthTime() {
		return r.oneOf(name, "true", "true", "false") == "true"
	}
	if r.text(name, "") != "" {
		r.fail(name, "cannot be set, because "+kind.Label+" never sends auth_time", "OPENID_CONNECT_AUTH_TIME=false for a server of your own")
	}
	return false
}
