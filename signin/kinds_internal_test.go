package signin

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorded is a transport that returns a provider's recorded responses, by URL without
// the scheme.
type recorded map[string]string

func (r recorded) RoundTrip(request *http.Request) (*http.Response, error) {
	body, known := r[request.URL.Host+request.URL.Path]
	status := http.StatusOK
	if !known {
		status, body = http.StatusNotFound, "no response is recorded for "+request.URL.String()
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: request,
	}, nil
}

// responses are from the documentation of the providers without OpenID Connect.
var responses = map[string]struct {
	recorded recorded
	want     Identity
}{
	"github": {
		recorded{
			"github.com/login/oauth/access_token": `{"access_token":"t","scope":"","token_type":"bearer"}`,
			"api.github.com/user":                 `{"login":"octocat","id":583231,"node_id":"x","name":"The Octocat","email":"octocat@github.com","avatar_url":"https://x"}`,
		},
		Identity{Issuer: "https://github.com", Subject: "583231", Username: "octocat", Name: "The Octocat", Email: "octocat@github.com"},
	},
	"bitbucket": {
		recorded{
			"bitbucket.org/site/oauth2/access_token": `{"access_token":"t","token_type":"bearer","expires_in":7200,"scopes":"account email"}`,
			"api.bitbucket.org/2.0/user":             `{"uuid":"{c788b2da-b7a2-404c-9e26-d3f077557007}","username":"tutorials","display_name":"tutorials account","links":{"avatar":{"href":"https://x"}}}`,
			"api.bitbucket.org/2.0/user/emails":      `{"values":[{"email":"old@example.com","is_primary":false,"is_confirmed":true},{"email":"tutorials@example.com","is_primary":true,"is_confirmed":true}]}`,
		},
		Identity{Issuer: "https://bitbucket.org", Subject: "{c788b2da-b7a2-404c-9e26-d3f077557007}", Username: "tutorials", Name: "tutorials account", Email: "tutorials@example.com"},
	},
	"discord": {
		recorded{
			"discord.com/api/oauth2/token": `{"access_token":"t","token_type":"Bearer","expires_in":604800,"scope":"identify"}`,
			"discord.com/api/users/@me":    `{"id":"80351110224678912","username":"nelly","discriminator":"0","avatar":"8342729096ea3675442027381ff50dfe","email":"nelly@discord.com","verified":false}`,
		},
		Identity{Issuer: "https://discord.com", Subject: "80351110224678912", Username: "nelly", Name: "nelly"},
	},
	"facebook": {
		recorded{
			"graph.facebook.com/oauth/access_token": `{"access_token":"t","token_type":"bearer","expires_in":5183944}`,
			"graph.facebook.com/me":                 `{"id":"10150000000000001","name":"Ada Example","email":"ada@example.com"}`,
		},
		Identity{Issuer: "https://www.facebook.com", Subject: "10150000000000001", Username: "Ada Example", Name: "Ada Example", Email: "ada@example.com"},
	},
}

func TestKinds_OAuth(t *testing.T) {
	for _, kind := range Kinds {
		if kind.oauth == nil {
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			response, ok := responses[kind.Name]
			if !ok {
				t.Fatal("no response of this provider is recorded")
			}
			id, err := finish(t, kind, response.recorded)
			response.want.Provider = kind.Name
			if age := time.Since(id.AuthenticatedAt); age < 0 || age > time.Minute {
				t.Errorf("authenticated %v ago", age)
			}
			id.AuthenticatedAt = time.Time{}
			if err != nil || id != response.want {
				t.Errorf("%+v, %v\nwant %+v", id, err, response.want)
			}
		})
		t.Run(kind.Name+"/EmptyResponse", func(t *testing.T) {
			empty := recorded{}
			for path, body := range responses[kind.Name].recorded {
				if empty[path] = body; !strings.Contains(body, "access_token") {
					empty[path] = `{}`
				}
			}
			if id, err := finish(t, kind, empty); err == nil {
				t.Errorf("the response {} gives %+v", id)
			}
		})
	}
}

// finish signs in with a provider that gives the recorded responses.
func finish(t *testing.T, kind Kind, responses recorded) (Identity, error) {
	t.Helper()
	s := Settings{Kind: kind, Name: kind.Name, Key: "k", Secret: "s", Callback: "https://app.example.com/callback"}
	p := newProvider(s, &http.Client{Transport: responses}, time.Hour, time.Now)
	session, err := p.begin(t.Context(), "the-state", false)
	if err != nil {
		t.Fatal(err)
	}
	address, err := session.GetAuthURL()
	if err != nil || !strings.Contains(address, "state=the-state") {
		t.Fatalf("sent to %s, %v", address, err)
	}
	session, err = p.goth.UnmarshalSession(session.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	// Some of goth's providers ignore the client that they are given.
	before := http.DefaultTransport
	http.DefaultTransport = responses
	defer func() { http.DefaultTransport = before }()
	return p.finish(t.Context(), session, url.Values{"code": {"c"}})
}

func TestKinds_Table(t *testing.T) {
	if !slices.IsSortedFunc(Kinds, func(a, b Kind) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("Kinds is not sorted by name")
	}
	for _, kind := range Kinds {
		if kind.Label == "" || kind.Address != "" && !IsProviderURL(kind.Address) {
			t.Errorf("%+v", kind)
		}
		if kind.Name != strings.ToLower(kind.Name) || strings.ContainsAny(kind.Name, "-_ /") {
			t.Errorf("%q cannot start the name of a setting", kind.Name)
		}
	}
}

// Microsoft's shared addresses have the issuers of all tenants.
func TestProvider_HasIssuer(t *testing.T) {
	const host, mine = "https://login.microsoftonline.com/", "3c1d0f6e-0000-4000-8000-000000000000"
	kinds := make(map[string]Kind)
	for _, k := range append(slices.Clone(Kinds), OpenIDConnect) {
		kinds[k.Name] = k
	}
	for _, c := range []struct {
		kind, address, issuer string
		want                  bool
	}{
		{"github", "", "https://github.com", true},
		{"github", "", "https://gitlab.com", false},
		{"openid-connect", "https://id.example.com", "https://id.example.com/", true},
		{"openid-connect", "https://id.example.com", "https://id.example.com/x", false},
		{"microsoftonline", host + "common/v2.0", host + mine + "/v2.0", true},
		{"microsoftonline", host + "organizations/v2.0", host + mine + "/v2.0", true},
		{"microsoftonline", host + "consumers/v2.0", host + personalTenant + "/v2.0", true},
		{"microsoftonline", host + "common/v2.0", "https://evil.example/" + mine + "/v2.0", false},
		{"microsoftonline", host + mine + "/v2.0", host + mine + "/v2.0", true},
		{"microsoftonline", host + mine + "/v2.0", host + personalTenant + "/v2.0", false},
	} {
		p := newProvider(Settings{Kind: kinds[c.kind], Address: c.address}, &http.Client{}, time.Hour, time.Now)
		if got := p.HasIssuer(c.issuer); got != c.want {
			t.Errorf("%s at %q: HasIssuer(%q) = %t", c.kind, c.address, c.issuer, got)
		}
	}
}

// Each of Microsoft's customers has their own issuer, which must match the tenant in the
// token.
func TestOpenID_Tenants(t *testing.T) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.tenants })
	p := newOpenID(Settings{Kind: Kinds[i]}, &http.Client{}, time.Hour, time.Now)
	m := &metadata{Issuer: "https://login.microsoftonline.com/{tenantid}/v2.0", tenants: true}
	for _, c := range []struct {
		issuer, tenant string
		want           bool
	}{
		{"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "9188040d-6c67-4c5b-b112-36a304b66dad", true},
		{"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "", false},
		{"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "another", false},
		{"https://login.microsoftonline.com/a/b/v2.0", "a/b", false},
		{"https://evil.example/v2.0", "evil", false},
	} {
		if got := p.isIssuer(m, c.issuer, c.tenant); got != c.want {
			t.Errorf("issuer %q, tenant %q: %t", c.issuer, c.tenant, got)
		}
	}
}

// The issuer in the discovery document must be the configured address, except for
// Microsoft's placeholder for the tenant.
func TestOpenID_ASVS_10_5_3_TenantsIssuer(t *testing.T) {
	const host = "https://login.microsoftonline.com/"
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.tenants })
	for _, c := range []struct {
		address, issuer string
		ok, tenants     bool
	}{
		{"common/v2.0", host + "{tenantid}/v2.0", true, true},
		{"organizations/v2.0", host + "{tenantid}/v2.0", true, true},
		{"consumers/v2.0", host + personalTenant + "/v2.0", true, true},
		{"a-tenant/v2.0", host + "a-tenant/v2.0", true, false},
		{"common/v2.0", host + "common/v2.0", false, false},
		{"common/v2.0", host + personalTenant + "/v2.0", false, false},
		{"common/v2.0", "https://evil.example/{tenantid}/v2.0", false, false},
		{"common/v2.0", "https://id.example.com", false, false},
		{"a-tenant/v2.0", host + "{tenantid}/v2.0", false, false},
		{"a-tenant/v2.0", host + "another-tenant/v2.0", false, false},
		{"a-tenant/v2.0", "https://id.example.com", false, false},
	} {
		document := `{"issuer":"` + c.issuer + `","authorization_endpoint":"https://a.example","token_endpoint":"https://a.example","jwks_uri":"https://a.example"}`
		response := recorded{"login.microsoftonline.com/" + c.address + "/.well-known/openid-configuration": document}
		p := newOpenID(Settings{Kind: Kinds[i], Address: host + c.address}, &http.Client{Transport: response}, time.Hour, time.Now)
		m, err := p.discover(t.Context())
		if (err == nil) != c.ok || c.ok && m.tenants != c.tenants {
			t.Errorf("%s with issuer %s: %+v, %v", c.address, c.issuer, m, err)
		}
	}
}
