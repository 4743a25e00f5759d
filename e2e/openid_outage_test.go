package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/internal/test/testoidc"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// TestOpenID_DatabaseOutage stops the database while a user is at the provider. The
// callback fails with 503, and neither the log nor the user's events call that a
// refused sign-in.
func TestOpenID_DatabaseOutage(t *testing.T) {
	for _, engine := range testdb.Engines()[1:] { // SQLite has no server
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			server := testdb.Start(t, engine)
			provider := testoidc.StartFake(t)
			app := testapp.Start(t, testapp.Options{DatabaseURL: server.NewURL(t), Extra: []string{
				"OPENID_CONNECT_EVIL_KEY=app", "OPENID_CONNECT_EVIL_SECRET=s3cret-of-the-client", "OPENID_CONNECT_EVIL_DISCOVERY_URL=" + provider.URL,
			}})
			client := app.Client(t)
			back := answer(t, app, leave(t, client, "/auth/evil", nil))
			server.Kill(t)
			wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusServiceUnavailable)
			server.Restart(t)
			testapp.Poll(t, "ready after the restart", func() bool {
				return client.JSON(http.MethodGet, "/readyz", nil).StatusCode == http.StatusOK
			})
			var failed int
			query(t, app, &failed, "SELECT COUNT(*) FROM events WHERE kind = ?", models.SignInFailed)
			if failed != 0 || strings.Contains(app.Log(), models.SignInFailed) {
				t.Errorf("the outage is recorded as a failed sign-in: %d events\n%s", failed, app.Log())
			}
		})
	}
}
