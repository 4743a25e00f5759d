package testapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	ada       = `{"id":"52f6d74e-e869-41f8-ade6-5de58fc3a2d1","username":"admin","name":"Ada Admin","role":"admin"}`
	inSession = `{"sid":"5DFisugbQaTZXZVZEhXI2D9U","auth_method":"bypass","created_at":"2026-11-23T23:40:35Z","authenticated_at":null,` +
		`"last_seen_at":"2026-11-23T23:40:35Z","expires_at":"2026-11-24T00:40:35Z","ip":"127.0.0.1","user_agent":"curl","browser":"curl","system":"","device":"other","label":"","remembered":false,"current":true}`
	who     = `{"user":` + ada + `,"session":` + inSession + `}`
	problem = `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this address.","request_id":"X"}`
)

func exchange(method, path string, status int, contentType, body string) Exchange {
	header := http.Header{"Content-Type": {contentType}}
	if contentType == "" {
		header.Del("Content-Type")
	}
	return Exchange{Method: method, URL: &url.URL{Path: path}, Status: status, Header: header, Body: body}
}

func TestCheck(t *testing.T) {
	for what, e := range map[string]Exchange{
		"JSON":            exchange("GET", "/session", 200, "application/json", who),
		"Slash":           exchange("GET", "/session/", 200, "application/json; charset=utf-8", who),
		"Nothing":         exchange("DELETE", "/session", 204, "", ""),
		"Problem":         exchange("DELETE", "/identities/x", 404, "application/problem+json", problem),
		"MissingPath":     exchange("GET", "/missing", 404, "application/problem+json", problem),
		"MissingMethod":   exchange("PUT", "/session", 405, "application/problem+json", problem),
		"BesideParameter": exchange("GET", "/auth/bypass", 404, "application/problem+json", problem),
		"Page":            exchange("GET", "/session", 418, "text/html; charset=utf-8", "<p>"),
		"File":            exchange("GET", "/assets/app.css", 200, "text/css", "p {}"),
		"AllOf": exchange("GET", "/admin/sessions", 200, "application/json",
			`{"sessions":[`+strings.Replace(inSession, "{", `{"user_id":null,"username":null,`, 1)+`],"next":null}`),
	} {
		if err := Check(e); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestCheck_Refused(t *testing.T) {
	for what, e := range map[string]Exchange{
		"UnknownRoute":        exchange("GET", "/secrets", 200, "application/json", `{}`),
		"UnknownMethod":       exchange("PUT", "/session", 200, "application/json", who),
		"UnknownStatus":       exchange("GET", "/session", 418, "application/problem+json", problem),
		"500":                 exchange("GET", "/session", 500, "application/problem+json", problem),
		"500AtNoAddress":      exchange("GET", "/missing", 500, "application/problem+json", problem),
		"WrongType":           exchange("GET", "/session", 200, "text/plain", who),
		"ProblemAsJSON":       exchange("GET", "/session", 401, "application/json", problem),
		"NoJSON":              exchange("GET", "/session", 200, "application/json", `<p>`),
		"NoBody":              exchange("GET", "/session", 200, "application/json", ""),
		"FieldLacks":          exchange("GET", "/session", 200, "application/json", `{"user":`+ada+`}`),
		"FieldTooMany":        exchange("GET", "/session", 200, "application/json", strings.Replace(who, `"role"`, `"hash":"x","role"`, 1)),
		"FieldTooManyInAllOf": exchange("GET", "/admin/sessions", 200, "application/json", `{"sessions":[`+strings.Replace(inSession, "{", `{"user_id":null,"username":null,"hash":"x",`, 1)+`],"next":null}`),
		"FieldTooManyInOneOf": exchange("GET", "/", 200, "application/json", `{"name":"latchkey","user":`+strings.Replace(ada, "{", `{"hash":"x",`, 1)+`}`),
		"WrongKind":           exchange("GET", "/session", 200, "application/json", strings.Replace(who, `"current":true`, `"current":"true"`, 1)),
		"LocalTime":           exchange("GET", "/session", 200, "application/json", strings.Replace(who, `40:35Z`, `40:35+01:00`, 1)),
		"NoUUID":              exchange("GET", "/session", 200, "application/json", strings.Replace(who, `52f6d74e-`, ``, 1)),
		"UnknownProblem":      exchange("GET", "/session", 401, "application/problem+json", strings.Replace(problem, "about:blank", "urn:x", 1)),
		"ProblemTooBig":       exchange("GET", "/missing", 404, "application/problem+json", strings.Replace(problem, "{", `{"stack":"x",`, 1)),
		"NoRetryAfter":        exchange("GET", "/session", 503, "application/problem+json", problem),
	} {
		if err := Check(e); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
