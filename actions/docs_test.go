package actions

import (
	"strings"

	"github.com/latchkey/latchkey/internal/test/testapi"
)

// Test_EveryRouteIsInTheDocument holds openapi.yaml and the table of routes to
// each other. One is served before Buffalo.
func (as *ActionSuite) Test_EveryRouteIsInTheDocument() {
	operations, err := testapi.Operations()
	as.NoError(err)
	written, routes := []string{}, []string{"GET /session/alive"}
	for _, o := range operations {
		written = append(written, o.String())
	}
	for _, r := range as.App.Routes() {
		path := "/" + strings.Trim(r.Path, "/") // Buffalo ends them all in a slash
		routes = append(routes, r.Method+" "+path)
	}
	as.ElementsMatch(written, routes)
}
