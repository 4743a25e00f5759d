package actions

import (
	"slices"
	"strings"

	"github.com/latchkey/latchkey/internal/testapi"
)

// Test_EveryRouteIsInTheDocument holds openapi.yaml and the table of routes to
// each other, but for what is planned.
func (as *ActionSuite) Test_EveryRouteIsInTheDocument() {
	operations, err := testapi.Operations()
	as.NoError(err)
	written, routes := []string{}, []string{}
	for _, o := range operations {
		written = append(written, o.String())
	}
	for _, r := range as.App.Routes() {
		path := "/" + strings.Trim(r.Path, "/") // Buffalo ends them all in a slash
		routes = append(routes, r.Method+" "+path)
	}
	for _, planned := range testapi.Planned {
		as.Contains(written, planned, "planned, and not in openapi.yaml")
		as.NotContains(routes, planned, "built, and still in testapi.Planned")
	}
	written = slices.DeleteFunc(written, func(o string) bool { return slices.Contains(testapi.Planned, o) })
	as.ElementsMatch(written, routes)
}
