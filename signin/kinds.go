package signin

import (
	"net/http"

	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/bitbucket"
	"github.com/markbates/goth/providers/discord"
	"github.com/markbates/goth/providers/facebook"
	"github.com/markbates/goth/providers/github"
)

// A Kind is a provider that is known by name: people set its key and its secret,
// and it is on.
type Kind struct {
	Name    string // in paths; in upper case it begins the names of its settings. goth's name where goth has one
	Label   string // on its button
	Address string // the issuer, exactly as its discovery document has it; "" where everybody has one of his own

	oauth        func(Settings, *http.Client) goth.Provider // where there is no OpenID Connect
	scopes       []string                                   // beside "openid", "email" and "profile"
	noNonce      bool                                       // it gives no nonce back, and takes no PKCE; the state still binds the answer
	formPost     bool                                       // it wants to answer by POST
	tenants      bool                                       // its issuer differs from customer to customer
	noProfile    bool                                       // it has no scope "profile"
	untimed      bool                                       // it does not know max_age, nor say when people proved who they are
	secretInBody bool                                       // it does not say so, and takes our secret in the body only
	prompt       string                                     // what makes an untimed one ask people, if anything does
}

// Kinds are all providers that are known by name. Every other one that speaks
// OpenID Connect is an [OpenIDConnect].
var Kinds = []Kind{
	{Name: "apple", Label: "Apple", Address: "https://appleid.apple.com", scopes: []string{"name"}, noProfile: true, formPost: true, untimed: true},
	{Name: "auth0", Label: "Auth0"},
	{Name: "bitbucket", Label: "Bitbucket", Address: "https://bitbucket.org", oauth: newBitbucket},
	{Name: "discord", Label: "Discord", Address: "https://discord.com", oauth: newDiscord},
	{Name: "facebook", Label: "Facebook", Address: "https://www.facebook.com", oauth: newFacebook},
	{Name: "gitea", Label: "Gitea", Address: "https://gitea.com", untimed: true},
	{Name: "github", Label: "GitHub", Address: "https://github.com", oauth: newGitHub},
	{Name: "gitlab", Label: "GitLab", Address: "https://gitlab.com"},
	{Name: "google", Label: "Google", Address: "https://accounts.google.com", untimed: true, prompt: "select_account"},
	{Name: "keycloak", Label: "Keycloak"},
	{Name: "linkedin", Label: "LinkedIn", Address: "https://www.linkedin.com/oauth", noNonce: true, secretInBody: true, untimed: true},
	{Name: "microsoftonline", Label: "Microsoft", Address: "https://login.microsoftonline.com/common/v2.0", tenants: true, untimed: true, prompt: "login"},
	{Name: "okta", Label: "Okta"},
	{Name: "slack", Label: "Slack", Address: "https://slack.com", untimed: true},
}

// LabelOf is what people call the provider that is known by name, be it set up or not,
// and the name itself where none is.
func LabelOf(name string) string {
	for _, kind := range Kinds {
		if kind.Name == name {
			return kind.Label
		}
	}
	return name
}

// OAuthOnly reports whether providers of the kind speak no OpenID Connect, and are
// at the one Address.
func (k Kind) OAuthOnly() bool { return k.oauth != nil }

// IsTimed reports whether providers of the kind are asked when people proved who
// they are, unless their settings say that they do not know.
func (k Kind) IsTimed() bool { return k.oauth == nil && !k.untimed }

// OpenIDConnect is any provider of OpenID Connect; its address must be set.
var OpenIDConnect = Kind{Name: "openid-connect", Label: "OpenID Connect"}

// Goth's providers differ in their types only. None is asked for more than who
// somebody is.

func newBitbucket(s Settings, client *http.Client) goth.Provider {
	p := bitbucket.New(s.Key, s.Secret, s.Callback, "account", "email") // it fails without the addresses
	p.HTTPClient = client
	return p
}

func newDiscord(s Settings, client *http.Client) goth.Provider {
	p := discord.New(s.Key, s.Secret, s.Callback, discord.ScopeIdentify)
	p.HTTPClient = client
	return p
}

func newFacebook(s Settings, client *http.Client) goth.Provider {
	p := facebook.New(s.Key, s.Secret, s.Callback)
	p.SetCustomFields([]string{"id", "name", "email"})
	p.HTTPClient = client
	return p
}

func newGitHub(s Settings, client *http.Client) goth.Provider {
	p := github.New(s.Key, s.Secret, s.Callback) // no scope: what everybody may see
	p.HTTPClient = client
	return p
}
