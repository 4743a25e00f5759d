// Package testoidc starts providers of OpenID Connect for tests: a real one with a login
// form, and a fake one whose responses a test can change.
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

// A user of every real provider.
const (
	Username = "test-user@localhost"
	Password = "verysecure"
	Subject  = "id1"
	Name     = "Test User"
	Email    = "test-user@zitadel.ch"
)

// Real is a provider with a login form.
type Real struct {
	Issuer      string // as in the discovery document
	Key, Secret string // of its only client
}

// StartReal starts a provider for the app at appURL, which knows it by the name provider.
// It stops at the end of the test.
func StartReal(t testing.TB, appURL, provider string) *Real {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	p := &Real{
		Issuer: strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/",
		Key:    "app-" + url.PathEscape(t.Name()), Secret: "a secret of the app's",
	}
	// RegisterClients would change a global variable.
	clients := map[string]*storage.Client{p.Key: storage.WebClient(p.Key, p.Secret, appURL+"/auth/"+provider+"/callback")}
	handler = exampleop.SetupServer(p.Issuer, storage.NewStorageWithClients(storage.NewUserStore(p.Issuer), clients), nil, false)
	return p
}

// Env returns the app's settings for the provider openid-connect.
func (p *Real) Env() []string {
	return []string{
		"OPENID_CONNECT_KEY=" + p.Key, "OPENID_CONNECT_SECRET=" + p.Secret,
		"OPENID_CONNECT_DISCOVERY_URL=" + p.Issuer + ".well-known/openid-configuration", "OPENID_CONNECT_LABEL=Example",
	}
}
