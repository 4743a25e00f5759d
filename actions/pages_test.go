package actions

import (
	"testing"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/httptest"
	"github.com/gobuffalo/middleware/i18n"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/locales"
)

func TestPeriod(t *testing.T) {
	texts, err := i18n.New(locales.FS(), "en-us")
	if err != nil {
		t.Fatal(err)
	}
	p := pages{texts: texts}
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		30 * day:                  "30 days",
		2*day + 23*time.Hour:      "2 days",
		2*day - time.Second:       "47 hours",
		day:                       "24 hours",
		2 * time.Hour:             "2 hours",
		2*time.Hour - time.Second: "119 minutes",
		time.Minute:               "1 minute",
		time.Second:               "1 minute",
	} {
		app := buffalo.New(buffalo.Options{Env: "test"})
		app.Use(texts.Middleware())
		var got string
		app.GET("/", func(c buffalo.Context) error {
			got = p.period(c, d)
			return nil
		})
		httptest.New(app).HTML("/").Get()
		if got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// read calls say with a request in a language.
func read(t *testing.T, language string, say func(pages, buffalo.Context)) {
	t.Helper()
	texts, err := web.NewTexts(locales.FS(), english)
	if err != nil {
		t.Fatal(err)
	}
	app := buffalo.New(buffalo.Options{Env: "test"})
	app.Use(texts.Middleware())
	app.GET("/", func(c buffalo.Context) error {
		say(pages{texts: texts, providerLabel: func(provider string) string { return "By " + provider }}, c)
		return nil
	})
	request := httptest.New(app).HTML("/")
	request.Headers["Accept-Language"] = language
	request.Get()
}

func TestNumber(t *testing.T) {
	for language, want := range map[string]string{"en": "1,234,567", "de": "1.234.567"} {
		got := ""
		read(t, language, func(p pages, c buffalo.Context) { got = p.number(c, 1_234_567) })
		if got != want {
			t.Errorf("in %s it is %q, want %q", language, got, want)
		}
	}
}

func TestDeviceName(t *testing.T) {
	for d, want := range map[device]string{
		{Browser: "Firefox 140", System: "Linux"}: "Firefox 140 on Linux",
		{Browser: "curl"}:                         "curl",
		{System: "Windows"}:                       "Unknown browser on Windows",
		{}:                                        "Unknown browser",
	} {
		got := ""
		read(t, "en", func(p pages, c buffalo.Context) { got = p.deviceName(c, d) })
		if got != want {
			t.Errorf("%+v is %q, want %q", d, got, want)
		}
	}
}

// The menu marks the current page, and the section that it belongs to.
func TestIsUnder(t *testing.T) {
	for _, c := range []struct {
		page, menu string
		want       bool
	}{
		{"/sessions", "/sessions", true},
		{"/sessions/", "/sessions", true},
		{"/admin/users/1", "/admin", true},
		{"/session", "/sessions", false},
		{"/sessionsx", "/sessions", false},
		{"/", "/sessions", false},
	} {
		if got := isUnder(c.page, c.menu); got != c.want {
			t.Errorf("%s at %s: %t, want %t", c.menu, c.page, got, c.want)
		}
	}
}
