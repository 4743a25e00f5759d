package signin

import (
	"net/http"

	"github.com/markbates/goth"
	"github.com/markbates/goth/providers/bitbucket"
	"github.com/markbates/goth/providers/discord"
	"github.com/markbates/goth/providers/facebook"
	"github.com/markbates/goth/providers/github"
)

// A Kind is a well-known provider. It only needs a key and a secret.
type Kind struct {
	Name    string // in paths, and in upper case at the start of its settings; goth's name if there is one
	Label   string // for pages
	Address string // the issuer as in the discovery document; "" if every customer has their own

	oauth        func(Settings, *http.Client) goth.Provider // for providers without OpenID Connect
	scopes       []string                                   // in addition to "openid", "email" and "profile"
	noNonce      bool                                       // it does not return the nonce or support PKCE; the state still protects the response
	formPost     bool                                       // it responds with POST
	tenants      bool                                       // each customer has their own issuer
	noProfile    bool                                       // it does not support the scope "profile"
	noAuthTime   bool                                       // it ignores max_age and does not say when users authenticated
	secretInBody bool                                       // it only accepts the secret in the body, without saying so
	prompt       string                                     // with noAuthTime: the prompt parameter that makes it ask users, if any
}

// Kinds are the well-known providers. Any other provider of OpenID Connect is an
// [OpenIDConnect].
var Kinds = []Kind{
	{Name: "apple", Label: "Apple", Address: "https://appleid.apple.com", scopes: []string{"name"}, noProfile: true, formPost: true, noAuthTime: true},
	{Name: "auth0", Label: "Auth0"},
	{Name: "bitbucket", Label: "Bitbucket", Address: "https://bitbucket.org", oauth: newBitbucket},
	{Name: "discord", Label: "Discord", Address: "https://discord.com", oauth: newDiscord},
	{Name: "facebook", Label: "Facebook", Address: "https://www.facebook.com", oauth: newFacebook},
	{Name: "gitea", Label: "Gitea", Address: "https://gitea.com", noAuthTime: true},
	{Name: "github", Label: "GitHub", Address: "https://github.com", oauth: newGitHub},
	{Name: "gitlab", Label: "GitLab", Address: "https://gitlab.com"},
	{Name: "google", Label: "Google", Address: "https://accounts.google.com", noAuthTime: true, prompt: "select_account"},
	{Name: "keycloak", Label: "Keycloak"},
	{Name: "linkedin", Label: "LinkedIn", Address: "https://www.linkedin.com/oauth", noNonce: true, secretInBody: true, noAuthTime: true},
	{Name: "microsoftonline", Label: "Microsoft", Address: "https://login.microsoftonline.com/common/v2.0", tenants: true, noAuthTime: true, prompt: "login"},
	{Name: "okta", Label: "Okta"},
	{Name: "slack", Label: "Slack", Address: "https://slack.com", noAuthTime: true},
}

// LabelOf returns the label of a well-known provider, configured or not, and for any
// other the name itself.
func LabelOf(name string) string {
	for _, kind := range Kinds {
		if kind.Name == name {
			return kind.Label
		}
	}
	return name
}

// OAuthOnly reports whether the kind only supports OAuth 2.0, at one address.
func (k Kind) OAuthOnly() bool { return k.oauth != nil }

// SendsAuthTime reports whether the kind says when users authenticated.
func (k Kind) SendsAuthTime() bool { return k.oauth == nil && !k.noAuthTime }

// OpenIDConnect is any other provider of OpenID Connect. It needs an address.
var OpenIDConnect = Kind{Name: "openid-connect", Label: "OpenID Connect"}

// The following functions differ only in goth's types. They ask for nothing but the
// user's identity.

func newBitbucket(s Settings, client *http.Client) goth.Provider {
	p := bitbucket.New(s.Key, s.Secret, s.Callback, "account", "email") // goth fails without the email addresses
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
	p := github.New(s.Key, s.Secret, s.Callback) // no scope: public data only
	p.HTTPClient = client
	return p
}
