package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

// nasty are texts to send in place of valid ones.
var nasty = []string{
	"", " ", "null", "true", "on", "0", "-1", "101", "1e309", "9223372036854775808", "NaN", "[]", `{"a":{}}`,
	"\x00", "a\x00b", "\xff\xfe", "\xc3\x28", "\xed\xa0\x80", "\r\nX-Evil: 1", "\u202e\u0000", "𝔘𝔫𝔦", "ı", strings.Repeat("é", 300), strings.Repeat("a", 5000),
	"'; DROP TABLE users; --", "' OR '1'='1", "%", "_", `\`, "%00", "%zz", "../../etc/passwd", "..", "/", "//evil.example", "{{7*7}}", "<script>", "$ne",
	"00000000-0000-0000-0000-000000000000", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", "6ba7b8109dad11d180b400c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c", "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	"AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "=====", "eyJhIjoxfQ", "MjAyNi0xMS0yNA", "////", "2026-13-45T99:99:99Z",
}

// nastyJSON are encoded values to send in place of valid JSON values.
var nastyJSON = []string{
	"null", "true", "0", "-1", "1.5", "1e400", "123456789012345678901234567890", "[]", "{}", `[["a"]]`, `{"a":{"b":[null]}}`, `""`, `"\u0000"`, `"\ud800"`,
	"\"\xff\"", "\"\x00\"", "nul", "", `"` + strings.Repeat("x", 70_000) + `"`, strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 2_000) + "1" + strings.Repeat("}", 2_000),
}

// nastyBodies are malformed or unexpected request bodies.
var nastyBodies = []string{
	"", " ", "{", "}", "null", "[]", `"text"`, "1", "{}{}", `{"token":"admin"} trailing`, `{"token":"a","token":"b"}`, "\x00", "\xef\xbb\xbf{}", "%zz=1", "&&&;=", "token", "=", "token=%ff%00",
	"--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nadmin\r\n--x--\r\n", "--x\r\n", strings.Repeat("a=b&", 20_000), strings.Repeat("a", twoMiB),
}

var nastyTypes = []string{
	"", "nonsense", "/", "text/plain", "application/xml", "application/json; charset=utf-16", "application/vnd.api+json", "application/problem+json", "APPLICATION/JSON",
	"application/json,text/html", "multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=latin1", "application/octet-stream",
}

var nastyHeaders = [][2]string{
	{"User-Agent", "\xff\xfe"}, {"User-Agent", strings.Repeat("Mozilla ", 2000)}, {"User-Agent", ""}, {"Accept-Language", "xx;q=\xff"},
	{"X-Forwarded-For", "not an address, 198.51.100.1"}, {"X-Forwarded-For", "fe80::1%eth0"}, {"Referer", "://\xff"}, {"Cookie", "session=a.b.c; session=\xff"}, {"Cookie", ";;="},
	{"Content-Encoding", "gzip"}, {"Range", "bytes=0-1"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"X-HTTP-Method-Override", "PUT"}, {"Host", "evil.example"},
	{"Authorization", "Bearer"}, {"Authorization", "Bearer AAAA.AAAA.AAAA"}, {"Authorization", "bearer \xff, Basic"}, {"Authorization", "Basic YTpi"},
}

func (f *fuzzer) oneIn(n int) bool { return f.IntN(n) == 0 }

// nasty returns the texts of nasty in random order. It repeats none before all were sent.
func (f *fuzzer) nasty() string {
	if len(f.unsent) == 0 {
		f.unsent = slices.Clone(nasty)
		f.Shuffle(len(f.unsent), func(i, j int) { f.unsent[i], f.unsent[j] = f.unsent[j], f.unsent[i] })
	}
	text := f.unsent[0]
	f.unsent = f.unsent[1:]
	return text
}

func pick[T any](f *fuzzer, from []T) T { return from[f.IntN(len(from))] }

// request returns a random request. The details describe its headers and body.
func (f *fuzzer) request() (path string, options []testapp.RequestOption, details string) {
	accept := "application/json"
	if f.oneIn(5) {
		accept = pick(f, []string{"", "*/*", "text/html", "application/problem+json", "nonsense;;", "text/html;q=x", "\xff"})
	}
	options = append(options, testapp.Header("Accept", accept), testapp.Header("X-Forwarded-For", f.address))
	if f.oneIn(5) {
		h := pick(f, nastyHeaders)
		options = append(options, testapp.Header(h[0], h[1]))
		details = fmt.Sprintf("%.80q ", h)
	}
	if f.Body != nil || f.oneIn(10) {
		contentType, content := f.body()
		options = append(options, testapp.Body(contentType, content))
		details += fmt.Sprintf("%q %q", contentType, content)
	}
	return f.path(), options, fmt.Sprintf("Accept %q %s", accept, details)
}

// path fills in the parameters of the path and the query.
func (f *fuzzer) path() string {
	path, values := f.Path, url.Values{}
	for _, p := range f.Parameters {
		switch {
		case p.In == "path":
			path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(f.parameter(p)), 1)
		case !f.oneIn(3):
			values.Add(p.Name, f.parameter(p))
			for f.oneIn(10) {
				values.Add(p.Name, f.parameter(p))
			}
		}
	}
	if f.oneIn(10) {
		values.Add(pick(f, []string{"_method", "unknown", "\x00", "after", "limit", "q[]"}), f.nasty())
	}
	if f.oneIn(20) {
		return path + "?%zz=" + values.Encode()
	}
	return path + "?" + values.Encode()
}

func (f *fuzzer) parameter(p *v3.Parameter) string {
	if p.Example != nil && f.oneIn(3) {
		return p.Example.Value
	}
	return f.text(p.Schema.Schema())
}

// text returns a valid value for the schema or one of nasty, each half of the time.
func (f *fuzzer) text(s *base.Schema) string {
	switch {
	case f.oneIn(2):
		return f.nasty()
	case len(s.Enum) > 0:
		return pick(f, s.Enum).Value
	case len(s.Examples) > 0:
		return pick(f, s.Examples).Value
	case s.Format == "uuid" && f.userID != "":
		return f.userID
	case s.Default != nil:
		return s.Default.Value
	}
	return pick(f, []string{"admin", "manager", "github", "bypass", "true", "1"})
}

func (f *fuzzer) body() (contentType, content string) {
	if f.Body == nil || f.oneIn(5) {
		return pick(f, nastyTypes), pick(f, nastyBodies)
	}
	var types []string
	for contentType := range f.Body.Content.KeysFromOldest() {
		types = append(types, contentType)
	}
	contentType = pick(f, types)
	properties := f.Body.Content.GetOrZero(contentType).Schema.Schema().Properties
	if strings.Contains(contentType, "form") {
		content = f.form(properties)
	} else {
		content = f.object(properties)
	}
	if f.oneIn(10) {
		contentType = pick(f, nastyTypes)
	}
	return contentType, content
}

type properties = *orderedmap.Map[string, *base.SchemaProxy]

func (f *fuzzer) form(fields properties) string {
	form := url.Values{}
	for name, proxy := range fields.FromOldest() {
		if !f.oneIn(8) {
			form.Add(name, f.text(proxy.Schema()))
		}
	}
	if f.oneIn(5) {
		form.Add(pick(f, []string{"_method", "role", "a[b]", "a.b.c", "\x00", "Username[999999999]"}), pick(f, append(nasty, "PUT", "DELETE", "PATCH")))
	}
	return form.Encode()
}

func (f *fuzzer) object(fields properties) string {
	var members []string
	for name, proxy := range fields.FromOldest() {
		if !f.oneIn(8) {
			members = append(members, fmt.Sprintf("%q:%s", name, f.json(proxy.Schema())))
		}
	}
	if f.oneIn(5) {
		members = append(members, `"role":`+pick(f, nastyJSON))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// json returns a text for the schema as JSON, or one of nastyJSON.
func (f *fuzzer) json(s *base.Schema) string {
	if f.oneIn(3) {
		return pick(f, nastyJSON)
	}
	text := f.text(s)
	if f.oneIn(2) && (text == "true" || text == "false") {
		return text
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // impossible for a string
	}
	return string(quoted)
}
