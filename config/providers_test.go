package config

import (
	"strings"
	"testing"
)

func TestLoad_Providers(t *testing.T) {
	c, err := load(t, Production, map[string]string{
		"SESSION_SECRET": goodSecret, "DATABASE_URL": "postgres://app@db/app", "HOST": "https://app.example.com/",
		"GITHUB_KEY": "k", "GITHUB_SECRET": "s",
		"OKTA_KEY": "k", "OKTA_SECRET": "s", "OKTA_URL": "https://example.okta.com", "OKTA_LABEL": "Staff",
		"OPENID_CONNECT_KEY": "k", "OPENID_CONNECT_SECRET": "s", "OPENID_CONNECT_DISCOVERY_URL": "https://id.example.com/x/.well-known/openid-configuration",
		"OPENID_CONNECT_MY_ID_KEY": "k", "OPENID_CONNECT_MY_ID_SECRET": "s", "OPENID_CONNECT_MY_ID_DISCOVERY_URL": "http://localhost:9000/",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"github GitHub https://github.com https://app.example.com/auth/github/callback",
		"okta Staff https://example.okta.com https://app.example.com/auth/okta/callback",
		"openid-connect OpenID Connect https://id.example.com/x https://app.example.com/auth/openid-connect/callback",
		"my-id my-id http://localhost:9000/ https://app.example.com/auth/my-id/callback",
	}
	var got []string
	for _, p := range c.Providers {
		got = append(got, strings.Join([]string{p.Name, p.Label, p.Address, p.Callback}, " "))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLoad_ProvidersAuthTime checks which providers are expected to send auth_time.
func TestLoad_ProvidersAuthTime(t *testing.T) {
	longest := strings.Repeat("A", 64)
	c, err := load(t, Development, map[string]string{
		"SESSION_SECRET": goodSecret,
		"GITHUB_KEY":     "k", "GITHUB_SECRET": "s",
		"KEYCLOAK_KEY": "k", "KEYCLOAK_SECRET": "s", "KEYCLOAK_URL": "https://id.example.com", "KEYCLOAK_AUTH_TIME": "false",
		"OKTA_KEY": "k", "OKTA_SECRET": "s", "OKTA_URL": "https://id.example.com", "OKTA_AUTH_TIME": "true",
		"OPENID_CONNECT_KEY": "k", "OPENID_CONNECT_SECRET": "s", "OPENID_CONNECT_DISCOVERY_URL": "https://id.example.com", "OPENID_CONNECT_AUTH_TIME": "false",
		"OPENID_CONNECT_GITHUB_KEY":          " ", // counts as not set
		"OPENID_CONNECT_" + longest + "_KEY": "k", "OPENID_CONNECT_" + longest + "_SECRET": "s", "OPENID_CONNECT_" + longest + "_DISCOVERY_URL": "https://id.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"github": true, "keycloak": true, "okta": false, "openid-connect": true, strings.ToLower(longest): false}
	for _, p := range c.Providers {
		if noAuthTime, known := want[p.Name]; !known || p.NoAuthTime != noAuthTime {
			t.Errorf("%s: NoAuthTime is %t", p.Name, p.NoAuthTime)
		}
	}
	if len(c.Providers) != len(want) {
		t.Errorf("%d providers", len(c.Providers))
	}
}

func TestLoad_ProvidersRefused(t *testing.T) {
	long := strings.Repeat("A", 65)
	for _, c := range []struct {
		starts   string
		settings map[string]string
	}{
		{"GITHUB_SECRET: not set", map[string]string{"GITHUB_KEY": "k"}},
		{"GITHUB_KEY: not set", map[string]string{"GITHUB_SECRET": "hidden"}},
		{"KEYCLOAK_URL: ", map[string]string{"KEYCLOAK_KEY": "k", "KEYCLOAK_SECRET": "hidden"}},
		{"GITHUB_URL: cannot be set", map[string]string{"GITHUB_KEY": "k", "GITHUB_SECRET": "hidden", "GITHUB_URL": "https://github.example.com"}},
		{"OKTA_URL: ", map[string]string{"OKTA_KEY": "k", "OKTA_SECRET": "hidden", "OKTA_URL": "http://example.okta.com"}},
		{"OPENID_CONNECT_DISCOVERY_URL: ", map[string]string{"OPENID_CONNECT_KEY": "k", "OPENID_CONNECT_SECRET": "hidden"}},
		{"OPENID_CONNECT_X_DISCOVERY_URL: ", map[string]string{"OPENID_CONNECT_X_KEY": "k", "OPENID_CONNECT_X_SECRET": "hidden", "OPENID_CONNECT_X_DISCOVERY_URL": "id.example.com"}},
		{"OPENID_CONNECT_GITHUB_KEY: ", map[string]string{"OPENID_CONNECT_GITHUB_KEY": "k", "OPENID_CONNECT_GITHUB_SECRET": "hidden", "OPENID_CONNECT_GITHUB_DISCOVERY_URL": "https://id.example.com"}},
		{"OPENID_CONNECT_ACME_KEY: not set", map[string]string{"OPENID_CONNECT_ACME_SECRET": "hidden", "OPENID_CONNECT_ACME_DISCOVERY_URL": "https://id.example.com"}},
		{"OPENID_CONNECT_ACME_SECRET: not set", map[string]string{"OPENID_CONNECT_ACME_KEY": "k", "OPENID_CONNECT_ACME_DISCOVERY_URL": "https://id.example.com"}},
		{"OPENID_CONNECT_" + long + "_KEY: the provider's name is longer than 64", map[string]string{"OPENID_CONNECT_" + long + "_KEY": "k", "OPENID_CONNECT_" + long + "_SECRET": "hidden", "OPENID_CONNECT_" + long + "_DISCOVERY_URL": "https://id.example.com"}},
		{"KEYCLOAK_AUTH_TIME: ", map[string]string{"KEYCLOAK_KEY": "k", "KEYCLOAK_SECRET": "hidden", "KEYCLOAK_URL": "https://id.example.com", "KEYCLOAK_AUTH_TIME": "no"}},
		{"OPENID_CONNECT_X_AUTH_TIME: ", map[string]string{"OPENID_CONNECT_X_KEY": "k", "OPENID_CONNECT_X_SECRET": "hidden", "OPENID_CONNECT_X_DISCOVERY_URL": "https://id.example.com", "OPENID_CONNECT_X_AUTH_TIME": "0"}},
		{"GOOGLE_AUTH_TIME: cannot be set", map[string]string{"GOOGLE_KEY": "k", "GOOGLE_SECRET": "hidden", "GOOGLE_AUTH_TIME": "true"}},
		{"GITHUB_AUTH_TIME: cannot be set", map[string]string{"GITHUB_KEY": "k", "GITHUB_SECRET": "hidden", "GITHUB_AUTH_TIME": "false"}},
		{"OPENID_CONNECT_BYPASS_KEY: \"bypass\" is the name of another", map[string]string{"OPENID_CONNECT_BYPASS_KEY": "k"}},
		{"OPENID_CONNECT_TOKEN_KEY: \"token\" is the name of another", map[string]string{"OPENID_CONNECT_TOKEN_KEY": "k"}},
	} {
		c.settings["SESSION_SECRET"] = goodSecret
		_, err := load(t, Development, c.settings)
		if err == nil || !strings.HasPrefix(err.Error(), c.starts) || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "for example") {
			t.Errorf("%v: %v", c.settings, err)
		}
	}
	_, err := load(t, Production, map[string]string{"SESSION_SECRET": goodSecret, "DATABASE_URL": "postgres://app@db/app", "GITHUB_KEY": "k", "GITHUB_SECRET": "s"})
	if err == nil || !strings.HasPrefix(err.Error(), "HOST: ") {
		t.Errorf("without HOST: %v", err)
	}
}
