package e2e

import (
	"bufio"
	"html"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/locales"
	"github.com/latchkey/latchkey/models"
)

// textsOf returns the texts of one language by id, those with plural forms left out.
func textsOf(t *testing.T, name string) map[string]string {
	t.Helper()
	content, err := fs.ReadFile(locales.FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		ID          string
		Translation any
	}
	if err := yaml.Unmarshal(content, &entries); err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, e := range entries {
		texts[e.ID], _ = e.Translation.(string)
	}
	return texts
}

// german asks for a page as a browser in Austria does.
func german(client *testapp.Client, method, path string, options ...testapp.RequestOption) *testapp.Response {
	return client.Do(method, path, append([]testapp.RequestOption{
		testapp.Header("Accept", "text/html"), testapp.Header("Accept-Language", "de-AT, de;q=0.9, en;q=0.8")}, options...)...)
}

// TestLocales reads every page in German.
func TestLocales(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{Extra: []string{"GITHUB_KEY=k", "GITHUB_SECRET=s"}})
	admin, nobody := app.Client(t), app.Client(t)
	admin.SignIn("admin")
	id := userIDOf(t, admin)
	recordEverything(t, app, id)
	check := newGermanCheck(t)
	for path, want := range map[string]string{
		"/":                              "Guten Tag, Ada Admin",
		"/signin":                        "Sie sind als Ada Admin angemeldet",
		"/session":                       "Sitzungsdetails",
		"/sessions":                      "Ihre Sitzungen",
		"/sessions?notice=revoked_one":   "Sitzung beendet.",
		"/sessions?after=x":              "after ist ungültig",
		"/events":                        "Kontoaktivität",
		"/account":                       "Ihr Konto",
		"/account?notice=linked":         "Anbieter verknüpft.",
		"/admin":                         "Überblick",
		"/admin/sessions":                "Alle Sitzungen",
		"/admin/sessions?user=missing":   "Keine passenden Sitzungen.",
		"/admin/sessions/end?all=true":   "aktive Sitzung",
		"/admin/sessions/end?user=" + id: "admin hat 1 aktive Sitzung",
		"/admin/users":                   "Benutzername beginnt mit",
		"/admin/users/" + id:             "Zum Mitglied machen",
		"/docs":                          "als Ada Admin angemeldet",
		"/missing":                       "Die Seite existiert nicht, oder Sie haben keinen Zugriff darauf.",
	} {
		check.page(t, german(admin, http.MethodGet, path), want)
	}
	for path, want := range map[string]string{
		"/":                         "Sie sind nicht angemeldet",
		"/signin":                   "Auf diesem Gerät 30 Tage angemeldet bleiben",
		"/signin?notice=signed-out": "Sie sind abgemeldet",
		"/session":                  "Bitte melden Sie sich zuerst an",
		"/docs":                     "Melden Sie sich zuerst an",
		"/auth/bypass?token=x":      "Der Benutzer existiert nicht",
	} {
		check.page(t, german(nobody, http.MethodGet, path), want)
	}
	check.page(t, german(nobody, http.MethodPut, "/session"), "unterstützt diese Methode nicht")
	check.page(t, german(nobody, http.MethodPost, "/auth/github"), "Nach der Anmeldung bei GitHub")
}

func userIDOf(t *testing.T, client *testapp.Client) string {
	t.Helper()
	return get[sessionResponse](t, client, "/session").User.ID
}

// recordEverything writes down one event of each kind.
func recordEverything(t *testing.T, app *testapp.App, userID string) {
	t.Helper()
	record := func(kind, detail string, sessions int64) {
		e := models.NewEvent(uuid.FromStringOrNil(userID), kind)
		e.Method, e.Detail, e.Sessions, e.Notable = "github", detail, sessions, true
		if err := models.RecordEvent(app.DB, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{
		models.SignInSucceeded, models.SignedOut, models.IdentityLinked, models.IdentityUnlinked, models.IdentityRefused,
		models.UserCreated, models.UserRenamed, models.UserDisabled, models.UserEnabled,
	} {
		record(kind, "", 0)
	}
	for _, why := range []string{"disabled", "somebody_else", "refused", "no_such_user"} {
		record(models.SignInFailed, why, 0)
	}
	for _, why := range []string{
		models.RevokedByUser, models.RevokedByAdmin, models.RevokedByProvider, models.RevokedUserGone, models.RevokedRoleChanged, models.Expired,
	} {
		record(models.SessionEnded, why, 1)
		record(models.SessionEnded, why, 2)
	}
	record(models.UserRoleChanged, models.RoleAdmin, 0)
}

// germanCheck knows what a page in German must not hold.
type germanCheck struct {
	english map[string]string // by id, where German says it otherwise
	rawID   *regexp.Regexp
}

// attribute is what a page says to browsers, not to people.
var attribute = regexp.MustCompile(`\s(?:src|href|action|formaction|id|for|name|value|class|aria-labelledby|data-[a-z]+)="[^"]*"`)

func newGermanCheck(t *testing.T) germanCheck {
	t.Helper()
	english, german := textsOf(t, "all.en-us.yaml"), textsOf(t, "all.de.yaml")
	var areas []string
	for id, text := range english {
		if area, _, ok := strings.Cut(id, "."); ok {
			areas = append(areas, area)
		}
		if text == "" || text == german[id] || strings.Contains(text, "{{") {
			delete(english, id)
		}
	}
	return germanCheck{english, regexp.MustCompile(`\b(?:` + strings.Join(areas, "|") + `)\.[a-z0-9_.]+\b`)}
}

// page checks that a page is German and says what is wanted.
func (g germanCheck) page(t *testing.T, r *testapp.Response, want string) {
	t.Helper()
	place := r.Request.Method + " " + r.Request.URL.String()
	if !strings.Contains(r.Body, `<html lang="de">`) || !strings.Contains(html.UnescapeString(r.Body), want) {
		t.Errorf("%s is not in German, or does not say %q:\n%s", place, want, r.Body)
	}
	if vary := strings.Join(r.Header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Language") {
		t.Errorf("%s: Vary is %q", place, vary)
	}
	shown := attribute.ReplaceAllString(r.Body, "")
	if id := g.rawID.FindString(shown); id != "" {
		t.Errorf("%s shows the id of a text: %s", place, id)
	}
	for id, text := range g.english {
		text = html.EscapeString(text)
		if strings.Contains(shown, ">"+text+"<") || strings.Contains(shown, `"`+text+`"`) || strings.Contains(text, " ") && strings.Contains(shown, text) {
			t.Errorf("%s says %q in English (%s)", place, text, id)
		}
	}
}

// TestLocales_Hostile holds that no header breaks a page or makes a cookie.
func TestLocales_Hostile(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	client := app.Client(t)
	for _, header := range []string{
		strings.Repeat("x", 10_000), strings.Repeat("de,", 3_000), strings.Repeat("a-", 5_000), strings.Repeat(";", 10_000),
		"de\xff\xfe", "\"de\"", "<script>", "{{.Name}}", "%00", "../de", "de_AT.UTF-8", "-", "*;q=", "de;q=1e400", "t", "all.de.yaml",
	} {
		for path, status := range map[string]int{"/": http.StatusOK, "/missing": http.StatusNotFound} {
			r := client.Do(http.MethodGet, path, testapp.Header("Accept", "text/html"), testapp.Header("Accept-Language", header))
			wantStatus(t, r, status)
			wantNoNewCookie(t, r)
			if !strings.Contains(r.Body, `<html lang="`) || strings.Contains(r.Body, `<html lang="language">`) {
				t.Errorf("%.40q: a page without a language:\n%s", header, r.Body)
			}
		}
	}
	// No client of Go's sends a NUL, and its server refuses one before we read it.
	conn, err := net.Dial("tcp", strings.TrimPrefix(app.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nAccept-Language: de\x00\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusBadRequest {
		t.Errorf("a NUL: %d, want 400", r.StatusCode)
	}
}

// TestBrowser_Times holds that times are in the reader's zone and form, and in UTC where
// there are no scripts.
func TestBrowser_Times(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{})
	const then = "UPDATE events SET created_at = '2025-12-05 01:30:00+00:00'"
	const shown = `document.querySelector("main time").textContent`
	for _, reader := range []struct{ languages, zone, form string }{
		{"de-AT,de", "Europe/Vienna", `^5\.12\.2025, 02:30$|^05\.12\.2025, 02:30$`},
		{"en-GB,en", "Asia/Kolkata", `^5 Dec 2025, 07:00$`},
		{"en-US,en", "America/New_York", `^Dec 4, 2025, 8:30\sPM$`},
		{"fr-FR", "UTC", `^Dec 5, 2025, 1:30\sAM$`}, // a page in English
	} {
		t.Run(reader.languages, func(t *testing.T) {
			b := openBrowser(t, app)
			b.pretend(reader.languages, reader.zone)
			b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token=user"))
			execute(t, app, then)
			b.open("/events", http.StatusOK)
			if got := evaluate[string](b, shown); !regexp.MustCompile(reader.form).MatchString(got) {
				t.Errorf("the time is %q, want %s", got, reader.form)
			}
			if title := evaluate[string](b, `document.querySelector("main time").title`); !strings.HasSuffix(title, "01:30 UTC") {
				t.Errorf("the time's title is %q, want that of the database", title)
			}
			b.wantQuiet()
		})
	}
	t.Run("hours of the plots", func(t *testing.T) {
		b := openBrowser(t, app)
		b.pretend("en-GB,en", "Asia/Kolkata")
		b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token=admin"))
		b.open("/admin", http.StatusOK)
		if got := evaluate[string](b, `document.querySelector("th time").textContent`); !regexp.MustCompile(`^\d\d:30$`).MatchString(got) {
			t.Errorf("the hour is %q, want one of a zone that is half an hour off", got)
		}
	})
	t.Run("without scripts", func(t *testing.T) {
		b := openBrowser(t, app)
		b.pretend("de", "Europe/Vienna")
		b.disableScripts()
		b.wantLoad("/", http.StatusOK, chromedp.Navigate(app.URL+"/auth/bypass?token=user"))
		execute(t, app, then)
		b.open("/events", http.StatusOK)
		b.wantText("main time", "05.12.2025, 01:30 UTC")
	})
}

// pretend makes the browser one that reads these languages and is in that zone.
func (b *browser) pretend(languages, zone string) {
	b.t.Helper()
	agent := evaluate[string](b, `navigator.userAgent`)
	_, err := chromedp.Call(b.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: languages})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}); err != nil {
		b.t.Fatal(err)
	}
}
