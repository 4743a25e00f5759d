package signin

import (
	"net/url"
	"slices"
	"strings"
)

// HasIssuer reports whether identities of an issuer belong to this provider.
func (p *Provider) HasIssuer(issuer string) bool {
	o, ok := p.goth.(*openID)
	if !ok {
		return issuer == p.kind.Address
	}
	shared := o.sharedIssuers()
	if len(shared) == 0 {
		return strings.TrimSuffix(issuer, "/") == strings.TrimSuffix(o.settings.Address, "/")
	}
	return slices.ContainsFunc(shared, func(of string) bool {
		before, after, open := strings.Cut(of, "{tenantid}")
		return issuer == of || open && strings.HasPrefix(issuer, before) && strings.HasSuffix(issuer, after)
	})
}

// personalTenant is Microsoft's tenant for personal accounts.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// sharedIssuers returns the issuers that the discovery document may have if the address
// is one of Microsoft's for several tenants. It returns none for the address of one
// tenant, which is the issuer, as with all other providers.
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

// isIssuer reports whether tokens of this issuer belong to the provider.
func (p *openID) isIssuer(m *metadata, issuer, tenant string) bool {
	if !m.tenants {
		return true // the verifier has checked it
	}
	return tenant != "" && !strings.ContainsAny(tenant, "/?#") && issuer == strings.ReplaceAll(m.Issuer, "{tenantid}", tenant)
}
