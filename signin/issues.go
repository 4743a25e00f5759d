package signin

import "strings"

// Issues reports whether identities of an issuer are this provider's.
func (p *Provider) Issues(issuer string) bool {
	o, ok := p.goth.(*openID)
	if !ok {
		return issuer == p.kind.Address
	}
	if o.settings.Kind.tenants {
		before, _, _ := strings.Cut(o.settings.Address, "/common/")
		return issuer == o.settings.Address || strings.HasPrefix(issuer, before+"/")
	}
	return strings.TrimSuffix(issuer, "/") == strings.TrimSuffix(o.settings.Address, "/")
}
