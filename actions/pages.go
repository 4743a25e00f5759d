package actions

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/elnormous/contenttype"
	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/render"
	"github.com/gobuffalo/middleware/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/templates"
)

const layout = "application.plush.html"

// pages renders what people see.
type pages struct {
	engine *render.Engine
	texts  *i18n.Translator
	label  func(provider string) string // what people call it
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

// templatesFS takes templates from the disk while they are being worked on, so
// that a change shows at once, and otherwise from the binary.
func templatesFS(env string) fs.FS {
	if _, err := os.Stat("templates/" + layout); env == config.Development && err == nil {
		return os.DirFS("templates")
	}
	return templates.FS()
}

// show answers with a page, whose title is the text of that id.
func (p pages) show(c buffalo.Context, name, title string) error {
	return p.answer(c, http.StatusOK, name, title)
}

// answer is show with another status.
func (p pages) answer(c buffalo.Context, status int, name, title string) error {
	c.Response().Header().Add("Vary", "Accept-Language")
	c.Set("title", p.texts.Translate(c, title))
	c.Set("notice_text", p.notice(c))
	c.Set("resume", p.resume(c))
	c.Set("is_here", func(path string) bool { return isHere(c.Request().URL.Path, path) })
	c.Set("when", func(at any) template.HTML { return p.when(c, at) })
	c.Set("method_name", func(method string) string { return p.methodName(c, method) })
	c.Set("number", func(n int) string { return p.number(c, n) })
	c.Set("device_name", func(of interface{ self() device }) string { return p.deviceName(c, of.self()) })
	c.Set("event_text", func(e eventJSON) string { return p.eventText(c, e) })
	return c.Render(status, p.engine.HTML(name))
}

// when shows a time, which the reader's browser puts into his zone and form where it
// runs scripts. at is RFC 3339, in UTC, as text or a pointer to it.
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
	shown := t.UTC().Format(p.texts.Translate(c, "time.layout"))
	return template.HTML(`<time datetime="` + text + `">` + template.HTMLEscapeString(shown) + `</time>`)
}

// number writes n as people do where the reader's language is spoken: 1,234.
func (p pages) number(c buffalo.Context, n int) string {
	return message.NewPrinter(language.Make(p.texts.Translate(c, "language"))).Sprint(n)
}

// period says how long d is in the user's language, in whole units: a label
// that promises a minute too little does no harm.
func (p pages) period(c buffalo.Context, d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return p.texts.Translate(c, "days", int(d/day))
	case d >= 2*time.Hour:
		return p.texts.Translate(c, "hours", int(d/time.Hour))
	}
	return p.texts.Translate(c, "minutes", max(int(d/time.Minute), 1))
}

// methodName says in words how somebody signed in.
func (p pages) methodName(c buffalo.Context, method string) string {
	if method == bypassMethod || method == tokenMethod || method == "" {
		return p.texts.Translate(c, "method."+cmp.Or(method, "none"))
	}
	return p.label(method)
}

// deviceName says in words which browser on which system it is, as far as it says.
func (p pages) deviceName(c buffalo.Context, d device) string {
	name := d.Browser
	if name == "" {
		name = p.texts.Translate(c, "device.unknown")
	}
	if d.System == "" {
		return name
	}
	return name + " " + p.texts.Translate(c, "device.on", map[string]string{"System": d.System})
}

// eventText says in a sentence what happened.
func (p pages) eventText(c buffalo.Context, e eventJSON) string {
	id := "event." + e.Kind
	switch e.Kind {
	case models.SessionEnded:
		id = "ended." + e.Detail
	case models.SignInFailed:
		id += "." + e.Detail
	}
	return p.texts.Translate(c, id, int(e.Sessions), map[string]any{
		"Method": p.methodName(c, e.Method), "Number": p.number(c, int(e.Sessions)), "Label": e.Detail, "Role": p.texts.Translate(c, "role."+cmp.Or(e.Detail, models.RoleMember)),
	})
}

// notices are what a page may say has just happened.
var notices = []string{"linked", "unlinked", "renamed", "ended", "ended_one", "ended_all", "changed"}

// notice translates what the address says that has just happened, if it is one of
// what can.
func (p pages) notice(c buffalo.Context) string {
	if happened := c.Param("notice"); slices.Contains(notices, happened) {
		return p.texts.Translate(c, "notice."+happened)
	}
	return ""
}

// A resumption is the form that a page begins with where somebody has just signed in
// again for what it does.
type resumption struct {
	Act, Path string
	Fields    []field
}

type field struct{ Name, Value string }

// resume returns a resumption, and nil where nothing waits for this page.
func (p pages) resume(c buffalo.Context) any {
	act := ready(c)
	if act == nil {
		return nil
	}
	form := resumption{Act: p.texts.Translate(c, act.Name), Path: act.Path}
	for name, values := range act.Form {
		for _, value := range values {
			form.Fields = append(form.Fields, field{name, value})
		}
	}
	return form
}

// isHere reports whether a page is, or belongs under, what the menu leads to.
func isHere(page, menu string) bool {
	page = strings.TrimSuffix(page, "/")
	return page == menu || strings.HasPrefix(page, menu+"/")
}

func (p pages) json(v any) render.Renderer { return p.engine.JSON(v) }

// writeError answers with a page past Buffalo's Render, which would save the session.
func (p pages) writeError(c buffalo.Context, status int, name, title string) error {
	if c.Value(userKey) == nil {
		c.Set(userKey, nil)
	}
	c.Set("title", p.texts.Translate(c, title))
	c.Set("notice_text", "")
	c.Set("resume", nil)
	c.Set("is_here", func(string) bool { return false })
	c.Set("request_id", requestID(c.Request().Context()))
	var page bytes.Buffer
	if err := p.engine.HTML(name).Render(&page, c.Data()); err != nil {
		return fmt.Errorf("render error page: %w", err)
	}
	c.Response().Header().Set("Content-Type", "text/html; charset=utf-8")
	c.Response().Header().Add("Vary", "Accept-Language")
	c.Response().WriteHeader(status)
	_, err := page.WriteTo(c.Response())
	return err
}

// titled is the status whose title an error page bears.
func titled(status int) int {
	if slices.Contains(titles, status) {
		return status
	}
	return http.StatusInternalServerError
}

// titles are the statuses with a title of their own.
var titles = []int{400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503}

// What the app answers with. The last of htmlTypes is what Buffalo's test suite
// asks for.
var (
	jsonTypes = []contenttype.MediaType{contenttype.NewMediaType("application/json")}
	htmlTypes = []contenttype.MediaType{
		contenttype.NewMediaType("text/html"),
		contenttype.NewMediaType("application/xhtml+xml"),
		contenttype.NewMediaType("application/html"),
	}
	jsonThenHTML = slices.Concat(jsonTypes, htmlTypes)
	htmlThenJSON = slices.Concat(htmlTypes, jsonTypes)
)

// prefersHTML reports whether the client asks for a page: a browser does,
// a program that says nothing does not.
func prefersHTML(c buffalo.Context) bool { return acceptsHTML(c.Request(), jsonThenHTML) }

// prefersPage is prefersHTML for what is a page first: a program that says
// nothing gets the page too.
func prefersPage(c buffalo.Context) bool { return acceptsHTML(c.Request(), htmlThenJSON) }

// acceptsHTML reports whether a page is what the client likes best, the first
// offer where it has no preference. A client that takes neither gets JSON.
func acceptsHTML(r *http.Request, offers []contenttype.MediaType) bool {
	best, _, err := contenttype.GetAcceptableMediaType(r, offers)
	return err == nil && best.MatchesAny(htmlTypes...)
}
