package actions

import (
	"testing"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/httptest"
	"github.com/gobuffalo/middleware/i18n"

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
