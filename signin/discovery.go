package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// metadataLifetime is how long a discovery document is taken to be true.
	metadataLifetime = 24 * time.Hour
	// metadataGrace is how much longer it is used while no new one can be had.
	metadataGrace = 24 * time.Hour
	// discoveryPause is how long a provider is left alone that did not answer.
	discoveryPause = 10 * time.Second
)

// errMisleads says that a discovery document came and must not be followed.
var errMisleads = errors.New("the discovery document cannot be trusted")

// metadata is a discovery document, and what comes of it.
type metadata struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier

	Issuer             string   `json:"issuer"`
	EndSessionEndpoint string   `json:"end_session_endpoint"`
	NamesIssuer        bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207, 3
	UserInfoEndpoint   string   `json:"userinfo_endpoint"`
	KeysEndpoint       string   `json:"jwks_uri"`
	SecretMethods      []string `json:"token_endpoint_auth_methods_supported"`

	tenants bool // its issuer names no tenant; each token's does
}

// discovered is what is known of a provider. It is replaced and never changed, so
// nobody waits to read it.
type discovered struct {
	found    *metadata
	foundAt  time.Time
	failed   error // of the last look
	failedAt time.Time
}

// at is what is known at a time; known is false when it is time to look.
func (d *discovered) at(now time.Time) (m *metadata, known bool, err error) {
	if d == nil {
		return nil, false, nil
	}
	age := now.Sub(d.foundAt)
	switch {
	case d.found != nil && age < metadataLifetime:
		return d.found, true, nil
	case d.failed == nil || now.Sub(d.failedAt) >= discoveryPause:
		return nil, false, nil
	case d.found != nil && age < metadataLifetime+metadataGrace:
		return d.found, true, nil
	}
	return nil, true, d.failed
}

// discover returns the provider's metadata, and looks for it at most once at a
// time. When that fails it fails at once for a moment, so that people do not wait,
// one after the other, for a provider that is down.
func (p *openID) discover(ctx context.Context) (*metadata, error) {
	if m, known, err := p.known.Load().at(p.now()); known {
		return m, err
	}
	select {
	case look := <-p.looks.DoChan("", p.lookAgain):
		m, _ := look.Val.(*metadata)
		return m, look.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("discover %s: %w", p.settings.Address, ctx.Err())
	}
}

// lookAgain notes what a look finds. What was found before stays when the provider
// does not answer, and goes when its answer must not be trusted.
func (p *openID) lookAgain() (any, error) {
	before := p.known.Load()
	if m, known, err := before.at(p.now()); known { // another look has just ended
		return m, err
	}
	found, err := p.look()
	now := p.now()
	after := &discovered{found: found, foundAt: now, failed: err, failedAt: now}
	if err != nil && before != nil && !errors.Is(err, errMisleads) {
		after.found, after.foundAt = before.found, before.foundAt
	}
	p.known.Store(after)
	m, _, err := after.at(now)
	return m, err
}

// down returns why the provider does not answer, or does not take our secret.
func (p *openID) down() error {
	now := p.now()
	if d := p.known.Load(); d != nil && d.failed != nil && now.Sub(d.failedAt) < discoveryPause {
		return d.failed
	}
	if r := p.refused.Load(); r != nil && now.Sub(r.at) < discoveryPause {
		return r.err
	}
	return nil
}

// refusedAt is that the provider did not take our secret.
type refusedAt struct {
	err error
	at  time.Time
}

// noteExchange notes what a provider made of our secret. Every answer but a refusal
// of the client (RFC 6749, 5.2) says nothing bad about it; Keycloak calls it
// unauthorized.
func (p *openID) noteExchange(err error) {
	var answer *oauth2.RetrieveError
	switch {
	case err == nil:
		p.refused.Store(nil)
	case !errors.As(err, &answer):
	case answer.ErrorCode == "invalid_client", answer.Response.StatusCode == http.StatusUnauthorized:
		p.refused.Store(&refusedAt{clipped{err}, p.now()})
	}
}

// secretStyle is how to send our secret, so that nobody has to find out with every
// code: as everybody must be able to take it (OpenID Connect Discovery 1.0, 3),
// unless the provider takes it in the body only.
func (p *openID) secretStyle(m *metadata) oauth2.AuthStyle {
	body := slices.Contains(m.SecretMethods, "client_secret_post") && !slices.Contains(m.SecretMethods, "client_secret_basic")
	if body || p.settings.Kind.secretInBody {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// look reads the discovery document. The address may be spelled without the
// slash at its end; everything else of it is the issuer (OpenID Connect
// Discovery 1.0, 4.3).
func (p *openID) look() (*metadata, error) {
	ctx := p.withClient(context.Background()) // others wait for the answer, too
	provider, err := p.newProvider(ctx, p.settings.Address)
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) && mismatch.Discovered == p.settings.Address+"/" {
		provider, err = p.newProvider(ctx, mismatch.Discovered)
	}
	if errors.As(err, &mismatch) {
		return nil, fmt.Errorf("discover %s: %w: %w", p.settings.Address, errMisleads, err)
	}
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.settings.Address, err)
	}
	m := &metadata{provider: provider}
	if err := provider.Claims(m); err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.settings.Address, err)
	}
	if shared := p.sharedIssuers(); len(shared) > 0 {
		if !slices.Contains(shared, m.Issuer) {
			return nil, fmt.Errorf("discover %s: %w: it is of issuer %q", p.settings.Address, errMisleads, m.Issuer)
		}
		m.tenants = true
	}
	m.verifier = provider.VerifierContext(oidc.ClientContext(ctx, p.keys), &oidc.Config{
		ClientID:        p.settings.Key,
		SkipIssuerCheck: m.tenants, // isIssuer does it
		Now:             func() time.Time { return p.now().Add(-clockSkew) },
	})
	for _, endpoint := range []string{provider.Endpoint().AuthURL, provider.Endpoint().TokenURL, m.KeysEndpoint, m.UserInfoEndpoint} {
		if endpoint != "" && !IsProviderURL(endpoint) {
			return nil, fmt.Errorf("discover %s: %w: the endpoint %q is no https URL", p.settings.Address, errMisleads, endpoint)
		}
	}
	return m, nil
}

func (p *openID) newProvider(ctx context.Context, issuer string) (*oidc.Provider, error) {
	if len(p.sharedIssuers()) > 0 {
		ctx = oidc.InsecureIssuerURLContext(ctx, issuer) // look compares it
	}
	return oidc.NewProvider(ctx, issuer)
}

// personalTenant is Microsoft's one for personal accounts.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// sharedIssuers are what the discovery document may name as its issuer where the
// address is one of Microsoft's for several tenants. There are none where it is
// that of one tenant: then it is the issuer, as everywhere.
func (p *openID) sharedIssuers() []string {
	address, err := url.Parse(p.settings.Address)
	if err != nil || !p.settings.Kind.tenants {
		return nil
	}
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(address.Path, "/"), "/")
	of := func(other string) string { return address.Scheme + "://" + address.Host + "/" + other + "/" + rest }
	switch tenant {
	case "common", "organizations":
		return []string{of("{tenantid}")}
	case "consumers":
		return []string{of("{tenantid}"), of(personalTenant)}
	}
	return nil
}

// withClient carries the client to the libraries.
func (p *openID) withClient(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}

// isIssuer reports whether tokens of this issuer are the provider's.
func (p *openID) isIssuer(m *metadata, issuer, tenant string) bool {
	if !m.tenants {
		return true // the verifier has compared it
	}
	return tenant != "" && !strings.ContainsAny(tenant, "/?#") && issuer == strings.ReplaceAll(m.Issuer, "{tenantid}", tenant)
}
