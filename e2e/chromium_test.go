package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// browserTimeout limits the time that a test spends in its browser.
const browserTimeout = 3 * time.Minute

// browser is a tab in a separate Chromium with its own profile.
type browser struct {
	t   *testing.T
	ctx context.Context
	app *testapp.App

	mu       sync.Mutex
	messages []string // of the console
}

// openBrowser starts Chromium and closes it at the end of the test.
func openBrowser(t *testing.T, app *testapp.App) *browser {
	t.Helper()
	path := requireChromium(t)
	profile, err := os.MkdirTemp("", "latchkey-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Env("HOME="+profile))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox does not work for root
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	ctx, _ = chromedp.NewExecAllocator(ctx, options...)
	ctx, _ = chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx, app: app}
	// Processes that Chromium started may still write to the profile after it exits.
	t.Cleanup(func() {
		testapp.Poll(t, "removing the Chromium profile", func() bool { return os.RemoveAll(profile) == nil })
	})
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // if this fails, removing the profile fails
	b.do()                                         // starts the browser
	go b.listen()
	b.focus()
	return b
}

// focus makes the page believe that its window has the focus.
func (b *browser) focus() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		b.t.Fatal(err)
	}
}

// requireChromium returns the path of Chromium. If it is not installed, the test is
// skipped, or fails if CI=true, as in package testdb for a missing server.
func requireChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	testproc.Missing(t, "Chromium is not installed: apt-get install chromium")
	return ""
}

// listen records console messages until the browser closes.
func (b *browser) listen() {
	for message, err := range chromedp.Console(b.ctx) {
		if err != nil {
			return
		}
		if message.Type == "info" { // logged when a sign-out clears the caches
			continue
		}
		b.mu.Lock()
		b.messages = append(b.messages, message.String())
		b.mu.Unlock()
	}
}

// wantQuiet checks that the console has no errors, such as a file that the content
// security policy blocked. Pages with status 401 or 404 do not count.
func (b *browser) wantQuiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, message := range b.messages {
		if !strings.Contains(message, "Failed to load resource") {
			b.t.Errorf("console message: %s", message)
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// wantLoad runs steps that load a page, and checks its path and status.
func (b *browser) wantLoad(path string, status int64, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	r, err := chromedp.RunResponse(b.ctx, steps...)
	if err != nil {
		b.t.Fatalf("loading %s: %v", path, err)
	}
	if r.URL != b.app.URL+path || r.Status != status {
		b.t.Errorf("GET %s = %d, want %d at %s", r.URL, r.Status, status, path)
	}
}

func (b *browser) open(path string, status int64) {
	b.t.Helper()
	b.wantLoad(path, status, chromedp.Navigate(b.app.URL+path))
}

// wantText checks that the element's HTML contains the text. It also works without scripts.
func (b *browser) wantText(selector, text string) {
	b.t.Helper()
	html, err := chromedp.Run(b.ctx, chromedp.OuterHTML(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatalf("%s: %v", selector, err)
	}
	if !strings.Contains(html, text) {
		b.t.Errorf("%s = %q, want it to contain %q", selector, html, text)
	}
}

func (b *browser) wantGone(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitNotPresent(chromedp.CSS(selector)))
}

func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// emulate sets the width of the window and the color scheme.
func (b *browser) emulate(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) disableScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	if err != nil {
		b.t.Fatal(err)
	}
}

// cookies returns the session cookies that the browser keeps for the app.
func (b *browser) cookies() []*network.Cookie {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.app.URL}})
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Cookies
}

// client returns an HTTP client with the browser's session.
func (b *browser) client() *testapp.Client {
	b.t.Helper()
	client := b.app.Client(b.t)
	for _, cookie := range b.cookies() {
		if strings.HasSuffix(cookie.Name, "session") {
			client.SetCookie(cookie.Name, cookie.Value)
		}
	}
	return client
}

// screenshot saves a screenshot in the folder LATCHKEY_SCREENSHOTS, if it is set.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	folder := os.Getenv("LATCHKEY_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

// post submits a form from the open page, which must be a page of the app.
func (b *browser) post(path string, status int64, fields map[string]string) {
	b.t.Helper()
	content, err := json.Marshal(fields)
	if err != nil {
		b.t.Fatal(err)
	}
	script := fmt.Sprintf(`(() => {
		const form = document.createElement("form");
		Object.assign(form, { method: "post", action: %q });
		for (const [name, value] of Object.entries(%s ?? {})) {
			form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
		}
		document.body.append(form);
		setTimeout(() => HTMLFormElement.prototype.submit.call(form));
		return true;
	})()`, path, content)
	b.wantLoad(path, status, func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool](script)(ctx, tab)
		return chromedp.Void{}, err
	})
}
