package signin

import (
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
