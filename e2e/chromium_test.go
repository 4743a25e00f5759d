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

// browserPatience bounds what one test does in its browser.
const browserPatience = 3 * time.Minute

// browser is a tab of a Chromium of its own, with a profile of its own.
type browser struct {
	t   *testing.T
	ctx context.Context
	app *testapp.App

	mu       sync.Mutex
	messages []string // of the console
}

// openBrowser starts Chromium, which is closed at the end of the test.
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
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	ctx, _ = chromedp.NewExecAllocator(ctx, options...)
	ctx, _ = chromedp.NewContext(ctx)
	b := &browser{t: t, ctx: ctx, app: app}
	// Programs that Chromium started still write a moment after its end.
	t.Cleanup(func() {
		testapp.Poll(t, "remove the profile of Chromium", func() bool { return os.RemoveAll(profile) == nil })
	})
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // the profile shows whether it ended
	b.do()                                         // starts the browser
	go b.listen()
	b.focus()
	return b
}

// focus makes the page believe that its window is the one in front.
func (b *browser) focus() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		b.t.Fatal(err)
	}
}

// requireChromium returns its path. Without one it skips the test, or fails it
// under CI=true, as package testdb does for a missing server.
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

// listen notes what the console says, until the browser closes.
func (b *browser) listen() {
	for message, err := range chromedp.Console(b.ctx) {
		if err != nil {
			return
		}
		if message.Type == "info" { // that sign-out cleared the caches
			continue
		}
		b.mu.Lock()
		b.messages = append(b.messages, message.String())
		b.mu.Unlock()
	}
}

// wantQuiet fails the test when the console has complained: about a file that
// the policy blocked, say. That a page is a 401 or a 404 is no complaint.
func (b *browser) wantQuiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, message := range b.messages {
		if !strings.Contains(message, "Failed to load resource") {
			b.t.Errorf("the console says %s", message)
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// wantLoad does what makes a page load, and checks where that leads.
func (b *browser) wantLoad(path string, status int64, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	r, err := chromedp.RunResponse(b.ctx, steps...)
	if err != nil {
		b.t.Fatalf("on the way to %s: %v", path, err)
	}
	if r.URL != b.app.URL+path || r.Status != status {
		b.t.Errorf("got %d at %s, want %d at %s", r.Status, r.URL, status, path)
	}
}

func (b *browser) open(path string, status int64) {
	b.t.Helper()
	b.wantLoad(path, status, chromedp.Navigate(b.app.URL+path))
}

// wantText checks that the element shows the text. It works without scripts.
func (b *browser) wantText(selector, text string) {
	b.t.Helper()
	html, err := chromedp.Run(b.ctx, chromedp.OuterHTML(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatalf("%s: %v", selector, err)
	}
	if !strings.Contains(html, text) {
		b.t.Errorf("%s is %q, want %q in it", selector, html, text)
	}
}

// wantGone checks that the page has no such element.
func (b *browser) wantGone(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitNotPresent(chromedp.CSS(selector)))
}

// evaluate returns the value of a script.
func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// emulate sets the width and the colours.
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

// client returns one that has the browser's session.
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

// screenshot keeps a picture in the folder that LATCHKEY_SCREENSHOTS names.
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

// post sends a form from the page that is open, which has to be the app's.
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
