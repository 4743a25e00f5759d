package actions

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/render"
	"github.com/gobuffalo/middleware/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/templates"
)

const layout = "application.plush.html"

// pages renders HTML and JSON.
type pages struct {
	engine        *render.Engine
	texts         *i18n.Translator
	providerLabel func(name string) string
}

func newPages(cfg config.Config, texts *i18n.Translator) pages {
	return pages{
		engine: render.New(render.Options{
			HTMLLayout:  layout,
			TemplatesFS: templatesFS(cfg.Env),
			Helpers:     render.Helpers{"asset": assetPath},
		}),
		texts: texts,
	}
}

// templatesFS returns the templates on disk in development, so that changes show at
// once, and the embedded ones otherwise.
func templatesFS(env string) fs.FS {
	if _, err := os.Stat("templates/" + layout); env == config.Development && err == nil {
		return os.DirFS("templates")
	}
	return templates.FS()
}

// show renders a page with status 200. title is the ID of its title's text.
func (p pages) show(c buffalo.Context, name, title string) error {
	return p.answer(c, http.StatusOK, name, title)
}

// answer renders a page. Buffalo's Render saves the session; an error page must not.
func (p pages) answer(c buffalo.Context, status int, name, title string) error {
	c.Response().Header().Add("Vary", "Accept-Language")
	p.setContext(c, status, title)
	if status < http.StatusBadRequest {
		return c.Render(status, p.engine.HTML(name))
	}
	var page bytes.Buffer
	if err := p.engine.HTML(name).Render(&page, c.Data()); err != nil {
		return fmt.Errorf("render error page: %w", err)
	}
	c.Response().Header().Set("Content-Type", "text/html; charset=utf-8")
	c.Response().WriteHeader(status)
	_, err := page.WriteTo(c.Response())
	return err
}

// json renders JSON.
func (p pages) json(c buffalo.Context, status int, v any) error {
	return c.Render(status, p.engine.JSON(v))
}

// setContext sets what all templates can use. On an error page there is no notice.
func (p pages) setContext(c buffalo.Context, status int, title string) {
	c.Set("title", p.text(c, title))
	c.Set("notice_text", "")
	if status < http.StatusBadRequest {
		c.Set("notice_text", p.noticeText(c))
	}
	if c.Value(userKey) == nil {
		c.Set(userKey, nil) // an error occurred before identify
	}
	c.Set("request_id", web.RequestID(c.Request().Context()))
	c.Set("is_here", func(path string) bool { return isUnder(c.Request().URL.Path, path) })
	c.Set("when", func(at any) template.HTML { return p.when(c, at) })
	c.Set("number", func(n int) string { return p.number(c, n) })
	c.Set("method_name", func(method string) string { return p.methodName(c, method) })
	c.Set("role_name", func(role string) string { return p.roleName(c, role) })
	c.Set("device_name", func(of interface{ self() device }) string { return p.deviceName(c, of.self()) })
	c.Set("device_kind", func(of interface{ self() device }) string { return p.text(c, deviceTexts[of.self().Device]) })
	c.Set("event_text", func(e eventJSON) string { return p.eventText(c, e) })
}

// isUnder reports whether a page is the one that a menu item leads to, or belongs to
// it.
func isUnder(page, item string) bool {
	page = strings.TrimSuffix(page, "/")
	return page == item || strings.HasPrefix(page, item+"/")
}

// text returns a text in the user's language. data is what it may contain.
func (p pages) text(c buffalo.Context, id string, data ...any) string {
	return p.texts.Translate(c, id, data...)
}

// when shows a time in UTC. Scripts change it to the user's time zone and format. at
// is a text in RFC 3339, or a pointer to one.
func (p pages) when(c buffalo.Context, at any) template.HTML {
	text := ""
	switch at := at.(type) {
	case string:
		text = at
	case *string:
		if at != nil {
			text = *at
		}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	shown := t.UTC().Format(p.text(c, "time.layout"))
	return template.HTML(`<time datetime="` + text + `">` + template.HTMLEscapeString(shown) + `</time>`)
}

// number formats n for the user's language, such as 1,234.
func (p pages) number(c buffalo.Context, n int) string {
	return message.NewPrinter(language.Make(p.text(c, "language"))).Sprint(n)
}

// period formats d in whole days, hours or minutes, rounded down.
func (p pages) period(c buffalo.Context, d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return p.text(c, "days", int(d/day))
	case d >= 2*time.Hour:
		return p.text(c, "hours", int(d/time.Hour))
	}
	return p.text(c, "minutes", max(int(d/time.Minute), 1))
}
