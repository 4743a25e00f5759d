package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/latchkey/latchkey/internal/testapp"
)

const (
	signInButton  = chromedp.CSS(`main form button`)
	signOutButton = chromedp.CSS(`header form button`)
)

// TestBrowser signs in and out as a person does, with scripts and without.
func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"test", "staging"} {
		for _, scripts := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, scripts %v", env, scripts), func(t *testing.T) {
				t.Parallel()
				b := openBrowser(t, testapp.Start(t, testapp.Options{Env: env}))
				b.open("/", http.StatusOK)
				if !scripts {
					b.disableScripts()
				}
				b.wantText("header", "Sign in")
				b.wantLoad("/signin", http.StatusOK, chromedp.Click(chromedp.CSS(`main a.button`)))
				testSignInByForm(b)
				b.wantLoad("/session", http.StatusOK, chromedp.Click(chromedp.CSS(`header nav a`)))
				b.wantText("main", "Ada Admin (admin)")
				b.wantText("main", sidOf(b.cookies()[0].Value))
				b.wantText(string(signOutButton), "Sign out")
				testSignOutByForm(b)
				if scripts {
					testBackButton(b)
				}
				b.wantQuiet()
			})
		}
	}
}

// testSignInByForm begins on the form. A person can type at once, and mistype.
func testSignInByForm(b *browser) {
	b.t.Helper()
	if len(b.cookies()) > 0 {
		b.t.Error("the browser has a cookie before the sign-in")
	}
	b.do(chromedp.WaitVisible(chromedp.CSS(`#token:focus`)))
	b.wantLoad("/auth/bypass", http.StatusUnauthorized, chromedp.KeyEvent("amdin"+kb.Enter))
	b.wantText("main", "no such user")
	b.wantLoad("/signin", http.StatusOK, chromedp.Click(chromedp.CSS(`main a.button`)))
	b.wantLoad("/", http.StatusOK, chromedp.SendKeys(chromedp.CSS(`#token`), "admin"), chromedp.Click(signInButton))
	b.wantText("header", "Ada Admin")
	b.wantText("h1", "Hello, Ada Admin")
	cookies := b.cookies()
	if len(cookies) != 1 || !cookies[0].HTTPOnly || !strings.HasSuffix(cookies[0].Name, "session") {
		b.t.Fatalf("the browser has cookies %+v, want one that scripts cannot read", cookies)
	}
}

// testSignOutByForm begins on the session's page.
func testSignOutByForm(b *browser) {
	b.t.Helper()
	b.wantLoad("/signin?notice=signed-out", http.StatusOK, chromedp.Click(signOutButton))
	b.wantText("main", "You are signed out")
	b.wantGone(string(signOutButton))
	if left := b.cookies(); len(left) > 0 {
		b.t.Errorf("the browser still has %+v", left)
	}
	b.open("/session", http.StatusUnauthorized)
	b.wantText("main", "Nobody is signed in")
}

// testBackButton holds that the browser has kept no page of the session that
// ended two pages ago.
func testBackButton(b *browser) {
	b.t.Helper()
	evaluate[chromedp.Void](b, `setTimeout(() => history.go(-2))`)
	const here = `performance.getEntriesByType("navigation")[0].type + location.pathname + document.body.innerText`
	testapp.Poll(b.t, "go back", func() bool {
		shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](here)) // fails between two pages
		if strings.Contains(shown, "Ada Admin") {
			b.t.Fatalf("going back shows %q", shown)
		}
		return err == nil && strings.HasPrefix(shown, "back_forward/session") && strings.Contains(shown, "Nobody is signed in")
	})
}

// TestBrowser_Pages looks at every page in every dress.
func TestBrowser_Pages(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	long := strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 6)
	execute(t, app, "UPDATE users SET name = ? WHERE username = 'manager'", long)
	for user, pages := range map[string]map[string]int64{
		"":        {"/": http.StatusOK, "/signin": http.StatusOK, "/signin?notice=signed-out": http.StatusOK, "/missing": http.StatusNotFound, "/session": http.StatusUnauthorized},
		"admin":   {"/": http.StatusOK, "/session": http.StatusOK, "/missing": http.StatusNotFound, "/signin": http.StatusOK},
		"manager": {"/": http.StatusOK, "/session": http.StatusOK}, // whose name is long
	} {
		t.Run(user, func(t *testing.T) {
			b := openBrowser(t, app)
			if user != "" {
				b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token="+user))
			}
			for path, status := range pages {
				testPage(b, user, path, status)
			}
			b.wantQuiet()
		})
	}
}

// testPage opens a page in every width and colour.
func testPage(b *browser, user, path string, status int64) {
	b.t.Helper()
	name := strings.NewReplacer("/", "", "?notice=", "-", "?fresh=true&return_to=", "-fresh-").Replace(path)
	for _, width := range []int64{390, 1280} {
		grounds := make(map[string]bool)
		for _, scheme := range []string{"light", "dark"} {
			b.dress(width, scheme)
			b.open(path, status)
			grounds[testDress(b, width)] = true
			b.screenshot(fmt.Sprintf("%s-%s-%d-%s", cmp.Or(name, "home"), cmp.Or(user, "nobody"), width, scheme))
		}
		if len(grounds) != 2 {
			b.t.Errorf("%s has the ground %v in light and dark", path, grounds)
		}
	}
	if user != "" {
		b.wantText(string(signOutButton), "Sign out") // ASVS 5.0 7.4.4
	}
}

// testDress checks the page that is open and returns the colour of its ground.
func testDress(b *browser, width int64) string {
	b.t.Helper()
	place := evaluate[string](b, `location.href`)
	if scroll := evaluate[int64](b, `document.documentElement.scrollWidth`); scroll > width {
		b.t.Errorf("%s is %d wide in a window of %d", place, scroll, width)
	}
	// Fingers need 24 px each way (WCAG 2.2, 2.5.8); links within text may be less.
	small := evaluate[string](b, `[...document.querySelectorAll("button, input:not([type=hidden]), .button, nav a, .brand")]
		.filter(e => { const r = e.getBoundingClientRect(); return r.height < 24 || r.width < 24 })
		.map(e => e.outerHTML).join("\n")`)
	if small != "" {
		b.t.Errorf("%s has targets too small for fingers at %d:\n%s", place, width, small)
	}
	nameless := evaluate[string](b, `[...document.querySelectorAll("input:not([type=hidden])")].filter(e => !e.labels.length).map(e => e.outerHTML).join("\n")`)
	if nameless != "" {
		b.t.Errorf("%s has fields without a label:\n%s", place, nameless)
	}
	if titles := evaluate[int64](b, `document.querySelectorAll("h1").length`); titles != 1 {
		b.t.Errorf("%s has %d h1, want 1", place, titles)
	}
	return evaluate[string](b, `getComputedStyle(document.body).backgroundColor`)
}
