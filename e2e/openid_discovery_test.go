package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

func TestOpenID_ASVS_10_5_3_DiscoveryIssuer(t *testing.T) {
	for name, lies := range map[string]testoidc.Overrides{
		"Other":  {Metadata: set("issuer", "https://accounts.google.com")},
		"NoTLS":  {Metadata: set("token_endpoint", "http://id.example.com/token")},
		"Error":  {Discovery: func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true }},
		"NoJSON": {Discovery: func(w http.ResponseWriter) bool { w.Write([]byte("<html>")); return true }},
		"Huge":   {Discovery: func(w http.ResponseWriter) bool { w.Write([]byte(strings.Repeat(" ", 10<<20))); return true }},
		"Redirected": {Discovery: func(w http.ResponseWriter) bool {
			w.Header().Set("Location", testoidc.MovedPath)
			w.WriteHeader(302)
			return true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			app, evil, _ := withHostileProviders(t)
			evil.Override(lies)
			client := app.Client(t)
			r := client.HTML(http.MethodPost, "/auth/evil", nil)
			wantStatus(t, r, http.StatusBadGateway)
			if !strings.Contains(r.Body, "Evil did not respond correctly") {
				t.Errorf("the page:\n%s", r.Body)
			}
			if page := client.HTML(http.MethodGet, "/signin", nil); !strings.Contains(page.Body, "Evil did not respond recently") {
				t.Errorf("the button does not say that the provider is down:\n%s", page.Body)
			}
			wantStatus(t, client.HTML(http.MethodPost, "/auth/other", nil), http.StatusOK)
		})
	}
}

func TestOpenID_KeyRotation(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusSeeOther)
	evil.RotateKey(t)
	evil.Override(testoidc.Overrides{Keys: func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true }})
	wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusBadGateway)
	evil.Override(testoidc.Overrides{})
	wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusSeeOther)
}
