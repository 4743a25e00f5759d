// Package testoidc starts providers of OpenID Connect for tests: a real one, with
// its login form, and one that lies as a test wants it to.
package testoidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// The user of a real provider.
const (
	Username = "test-user@localhost"
	Password = "verysecure"
	Subject  = "id1"
	Name     = "Test User"
	Email    = "test-user@zitadel.ch"
)

// Real is a provider as people run them.
type Real struct {
	Issuer      string // as its discovery document has it
	Key, Secret string // of its one client
}

// StartReal starts a provider for an app that is at appURL. It ends with the test.
func StartReal(t testing.TB, appURL, provider string) *Real {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	p := &Real{
		Issuer: strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/",
		Key:    "app-" + url.PathEscape(t.Name()), Secret: "a secret of the app's",
	}
	// RegisterClients would be everybody's.
	clients := map[string]*storage.Client{p.Key: storage.WebClient(p.Key, p.Secret, appURL+"/auth/"+provider+"/callback")}
	handler = exampleop.SetupServer(p.Issuer, storage.NewStorageWithClients(storage.NewUserStore(p.Issuer), clients), nil, false)
	return p
}

// Env is what the app is told of it, as the provider openid-connect.
func (p *Real) Env() []string {
	return []string{
		"OPENID_CONNECT_KEY=" + p.Key, "OPENID_CONNECT_SECRET=" + p.Secret,
		"OPENID_CONNECT_DISCOVERY_URL=" + p.Issuer + ".well-known/openid-configuration", "OPENID_CONNECT_LABEL=Example",
	}
}
