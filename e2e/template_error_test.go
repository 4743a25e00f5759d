package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/templates"
)

// TestTemplateError breaks a template in development. The page shows where, and only
// there: other environments use the embedded templates, and the API says nothing.
func TestTemplateError(t *testing.T) {
	for env, shown := range map[string]bool{config.Development: true, config.Test: false} {
		t.Run(env, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "templates"), templates.FS()); err != nil {
				t.Fatal(err)
			}
			app := testapp.Start(t, testapp.Options{Env: env, Dir: dir})
			client := app.Client(t)
			wantStatus(t, client.HTML(http.MethodGet, "/signin", nil), http.StatusOK)
			broken := []byte("<h1>Sign in</h1>\n<%= no_such_helper(1) %>\n")
			if err := os.WriteFile(filepath.Join(dir, "templates", "signin.plush.html"), broken, 0o600); err != nil {
				t.Fatal(err)
			}
			page := client.HTML(http.MethodGet, "/signin", nil)
			if !shown {
				wantStatus(t, page, http.StatusOK)
				return
			}
			wantStatus(t, page, http.StatusInternalServerError)
			wantContains(t, page, "signin.plush.html", "line 2", "no_such_helper")
			problem := client.JSON(http.MethodGet, "/auth/bypass?token=admin", nil)
			wantStatus(t, problem, http.StatusOK)
			if strings.Contains(problem.Body, "no_such_helper") {
				t.Errorf("the API shows the template's error: %s", problem.Body)
			}
		})
	}
}
