package e2e

import (
	"cmp"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

const macOS = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

// TestPictures makes the pictures of the README, in the folder that LATCHKEY_PICTURES
// names, as make pictures does, or for nobody.
func TestPictures(t *testing.T) {
	folder := cmp.Or(os.Getenv("LATCHKEY_PICTURES"), t.TempDir())
	app := testapp.Start(t, testapp.Options{Extra: []string{
		"GOOGLE_KEY=k", "GOOGLE_SECRET=s", "GITHUB_KEY=k", "GITHUB_SECRET=s", "MICROSOFTONLINE_KEY=k", "MICROSOFTONLINE_SECRET=s",
	}})
	seedAccount(t, app)
	b := openBrowser(t, app)
	b.userAgent(macOS)
	b.signInAs("admin")
	execute(t, app, "UPDATE sessions SET ip = '198.51.100.19', auth_method = 'google' WHERE sid = ?", sid(t, b.client()))
	b.picture("/sessions", filepath.Join(folder, "sessions.png"), 930)
	b.picture("/admin", filepath.Join(folder, "administration.png"), 880)
	b.wantQuiet()
}

// picture keeps what the window shows of a page.
func (b *browser) picture(path, file string, height int64) {
	b.t.Helper()
	b.emulate(1280, "light")
	b.do(chromedp.EmulateViewport(1280, height))
	b.open(path, http.StatusOK)
	shown, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	const most = 150 << 10 // who reads the README fetches it
	if len(shown) > most {
		b.t.Errorf("%s has %d bytes", file, len(shown))
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, shown, 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

// userAgent gives the browser another name.
func (b *browser) userAgent(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: name}); err != nil {
		b.t.Fatal(err)
	}
}
