package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// metadataLifetime is how long a discovery document is used.
	metadataLifetime = 24 * time.Hour
	// metadataGrace is how much longer it is used while no new one can be fetched.
	metadataGrace = 24 * time.Hour
	// discoveryPause is how long to wait after a failure before asking again.
	discoveryPause = 10 * time.Second
)

// errUntrusted is returned for a discovery document that must not be trusted.
var errUntrusted = errors.New("the discovery document cannot be trusted")

// metadata is a discovery document and what is derived from it.
type metadata struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier

	Issuer             string   `json:"issuer"`
	EndSessionEndpoint string   `json:"end_session_endpoint"`
	NamesIssuer        bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207, 3
	UserInfoEndpoint   string   `json:"userinfo_endpoint"`
	KeysEndpoint       string   `json:"jwks_uri"`
	SecretMethods      []string `json:"token_endpoint_auth_methods_supported"`

	tenants bool // the issuer has a placeholder for the tenant
}

// cachedMetadata is what is known about a provider. It is replaced and never changed, so
// reading needs no lock.
type cachedMetadata struct {
	found    *metadata
	foundAt  time.Time
	failed   error // error of the last discovery
	failedAt time.Time
}

// at returns what is known at a time. known is false if discovery is needed.
func (d *cachedMetadata) at(now time.Time) (m *metadata, known bool, err error) {
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

// discover returns the provider's metadata. Concurrent calls share one request. After a
// failure, it fails immediately for discoveryPause, so that users do not wait for a
// provider that is down.
func (p *openID) discover(ctx context.Context) (*metadata, error) {
	if m, known, err := p.known.Load().at(p.now()); known {
		return m, err
	}
	select {
	case result := <-p.discovery.DoChan("", p.refresh):
		m, _ := result.Val.(*metadata)
		return m, result.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("discover %s: %w", p.settings.Address, ctx.Err())
	}
}

// refresh fetches the metadata and stores the result. It keeps the old metadata if the
// provider does not respond, but not if its response must not be trusted.
func (p *openID) refresh() (any, error) {
	before := p.known.Load()
	if m, known, err := before.at(p.now()); known { // another call has just done it
		return m, err
	}
	found, err := p.fetch()
	now := p.now()
	after := &cachedMetadata{found: found, foundAt: now, failed: err, failedAt: now}
	if err != nil && before != nil && !errors.Is(err, errUntrusted) {
		after.found, after.foundAt = before.found, before.foundAt
	}
	p.known.Store(after)
	m, _, err := after.at(now)
	return m, err
}

// fetch fetches the discovery document. Its issuer must be the configured address, which
// may lack a slash at the end (OpenID Connect Discovery 1.0, 4.3).
func (p *openID) fetch() (*metadata, error) {
	ctx := p.withClient(context.Background()) // other requests wait for the response too
	provider, err := p.newProvider(ctx, p.settings.Address)
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) && mismatch.Discovered == p.settings.Address+"/" {
		provider, err = p.newProvider(ctx, mismatch.Discovered)
	}
	if errors.As(err, &mismatch) {
		return nil, fmt.Errorf("discover %s: %w: %w", p.settings.Address, errUntrusted, err)
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
			return nil, fmt.Errorf("discover %s: %w: it has the issuer %q", p.settings.Address, errUntrusted, m.Issuer)
		}
		m.tenants = true
	}
	m.verifier = provider.VerifierContext(oidc.ClientContext(ctx, p.keys), &oidc.Config{
		ClientID:        p.settings.Key,
		SkipIssuerCheck: m.tenants, // see isIssuer
		Now:             func() time.Time { return p.now().Add(-clockSkew) },
	})
	for _, endpoint := range []string{provider.Endpoint().AuthURL, provider.Endpoint().TokenURL, m.KeysEndpoint, m.UserInfoEndpoint} {
		if endpoint != "" && !IsProviderURL(endpoint) {
			return nil, fmt.Errorf("discover %s: %w: the endpoint %q must be an https URL", p.settings.Address, errUntrusted, endpoint)
		}
	}
	return m, nil
}

func (p *openID) newProvider(ctx context.Context, issuer string) (*oidc.Provider, error) {
	if len(p.sharedIssuers()) > 0 {
		ctx = oidc.InsecureIssuerURLContext(ctx, issuer) // fetch checks it
	}
	return oidc.NewProvider(ctx, issuer)
}

// withClient passes the HTTP client to the libraries.
func (p *openID) withClient(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}
