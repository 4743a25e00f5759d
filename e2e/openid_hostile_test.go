package e2e

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/test/testoidc"
)

// hostileAnswers are answers of the provider evil that the app must refuse.
func hostileAnswers(t *testing.T, evil, other *testoidc.Fake) map[string]testoidc.Overrides {
	answers := forgedTokens(t, evil, other)
	maps.Copy(answers, brokenResponses(other))
	return answers
}

// forgedTokens are ID tokens and claims that must not be trusted.
func forgedTokens(t *testing.T, evil, other *testoidc.Fake) map[string]testoidc.Overrides {
	strange := testoidc.NewKey(t)
	soon, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	unsigned := func(_ *testoidc.Fake, claims testoidc.Claims) string {
		parts := strings.Split(evil.Sign(claims), ".")
		parts[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
		return parts[0] + "." + parts[1] + "."
	}
	return map[string]testoidc.Overrides{
		"ASVS_6_8_2_AlgNone":          {Sign: unsigned},
		"ASVS_6_8_2_NoSignature":      {IDToken: func(s string) string { return s[:strings.LastIndex(s, ".")+1] }},
		"ASVS_6_8_2_WrongKey":         {Sign: func(h *testoidc.Fake, c testoidc.Claims) string { return h.Sign(c, strange) }},
		"ASVS_6_8_2_KeyOfAnother":     {Sign: func(_ *testoidc.Fake, c testoidc.Claims) string { return other.Sign(c) }},
		"ASVS_6_8_2_PayloadChanged":   {IDToken: func(s string) string { return strings.Replace(s, ".", ".eyJzdWIiOiJhZG1pbiJ9", 1) }},
		"ASVS_6_8_2_NoIDToken":        {IDToken: func(string) string { return "" }},
		"ASVS_6_8_2_NoJWT":            {IDToken: func(string) string { return "hello" }},
		"ASVS_10_5_1_NonceMissing":    {Claims: set("nonce", nil)},
		"ASVS_10_5_1_NonceOther":      {Claims: set("nonce", "of-another-attempt")},
		"ASVS_10_5_2_NoSubject":       {Claims: set("sub", nil)},
		"ASVS_10_5_2_FoldedSubject":   {Claims: set("SUB", "admin")},
		"ASVS_10_5_2_LongSubject":     {Claims: set("sub", strings.Repeat("x", 256))},
		"ASVS_10_5_4_AudienceOther":   {Claims: set("aud", "another-app")},
		"ASVS_10_5_4_AudienceAmong":   {Claims: set("aud", []string{"app", "another-app"})},
		"ASVS_10_5_4_AuthorizedFor":   {Claims: set("azp", "another-app")},
		"ASVS_10_5_4_IssuerOther":     {Claims: set("iss", "https://accounts.google.com")},
		"Expired":                     {Claims: set("exp", past)},
		"FromTheFuture":               {Claims: set("iat", soon)},
		"ASVS_7_6_1_LongAgo":          {Claims: set("auth_time", time.Now().Add(-31*24*time.Hour).Unix())},
		"ASVS_7_6_1_InTheFuture":      {Claims: set("auth_time", soon)},
		"ASVS_10_5_2_UserInfoOfOther": {Claims: set("name", nil), UserInfo: set("sub", "somebody-else")},
	}
}

// brokenResponses are answers and responses that are wrong before any token is read.
func brokenResponses(other *testoidc.Fake) map[string]testoidc.Overrides {
	return map[string]testoidc.Overrides{
		"ASVS_10_2_2_AnswerOfOther":  {Callback: func(a url.Values) { a.Set("iss", other.URL) }},
		"ASVS_10_2_2_AnswerOfNobody": {Callback: func(a url.Values) { a.Del("iss") }},
		"ASVS_10_2_2_ErrorOfOther": {Callback: func(a url.Values) {
			a.Del("code")
			a.Set("error", "access_denied") // which would be somebody's choice
			a.Set("iss", other.URL)
		}},
		"NoCode":      {Callback: func(a url.Values) { a.Del("code") }},
		"ServerError": {Token: func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return true }},
		"EchoesSecrets": {Token: func(w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(strings.Repeat("x", 4000) + "s3cret-of-the-client"))
			return true
		}},
		"Huge": {Token: func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"x":"` + strings.Repeat("x", 10<<20) + `"}`))
			return true
		}},
	}
}

func TestOpenID_Hostile(t *testing.T) {
	app, evil, other := withHostileProviders(t)
	for name, lies := range hostileAnswers(t, evil, other) {
		t.Run(name, func(t *testing.T) {
			evil.Override(lies)
			client := app.Client(t)
			r := tryEvil(t, app, client)
			wantStatus(t, r, http.StatusBadGateway)
			wantNoNewCookie(t, r)
			wantAnonymous(t, client)
			if strings.Contains(r.Body, "oidc") || strings.Contains(r.Body, "s3cret") {
				t.Errorf("the page tells too much:\n%s", r.Body)
			}
		})
	}
	if strings.Contains(app.Log(), "s3cret") {
		t.Error("the log holds the client's secret")
	}
	var users int
	query(t, app, &users, "SELECT COUNT(*) FROM users")
	if users != 4 {
		t.Errorf("%d users, want the 4 of development", users)
	}
	if n := countSessions(t, app); n != 0 {
		t.Errorf("%d session rows", n)
	}

	evil.Override(testoidc.Overrides{})
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	wantSignedIn(t, client, "mallory")
}

// A nonce that was right once is wrong for another attempt.
func TestOpenID_ASVS_10_5_1_NonceReplayed(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	var first string
	evil.Override(testoidc.Overrides{IDToken: func(s string) string { first = s; return s }})
	wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusSeeOther)
	evil.Override(testoidc.Overrides{IDToken: func(string) string { return first }})
	wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusBadGateway)
}

func TestOpenID_ASVS_10_2_2_SwappedAnswers(t *testing.T) {
	app, evil, other := withHostileProviders(t)
	client := app.Client(t)
	back := answer(t, app, leave(t, client, "/auth/evil", nil))
	wantStatus(t, client.HTML(http.MethodGet, strings.Replace(back, "/auth/evil/", "/auth/other/", 1), nil), http.StatusBadRequest)

	// The path of one with the issuer of the other, in an attempt of the first.
	evil.Override(testoidc.Overrides{Callback: func(a url.Values) { a.Set("iss", other.URL) }})
	wantStatus(t, tryEvil(t, app, client), http.StatusBadGateway)
	wantAnonymous(t, client)
}

func TestOpenID_ASVS_10_2_1_PKCE(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	target, err := url.Parse(leave(t, app.Client(t), "/auth/evil", nil))
	if err != nil {
		t.Fatal(err)
	}
	asked := target.Query()
	if asked.Get("code_challenge_method") != "S256" || len(asked.Get("code_challenge")) != 43 {
		t.Errorf("asked for %s", target.RawQuery)
	}
	if asked.Get("response_type") != "code" {
		t.Errorf("asked for %s", target.RawQuery)
	}
	other, err := url.Parse(leave(t, app.Client(t), "/auth/evil", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if asked.Get(name) == other.Query().Get(name) || len(asked.Get(name)) < 22 {
			t.Errorf("%s is %q in both", name, asked.Get(name))
		}
	}
}

func TestOpenID_ASVS_10_2_3_LeastScopes(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	target, err := url.Parse(leave(t, app.Client(t), "/auth/evil", nil))
	if err != nil {
		t.Fatal(err)
	}
	if scope := target.Query().Get("scope"); scope != "openid email profile" {
		t.Errorf("asked for %q", scope)
	}
}

func TestOpenID_EmailNotVerified(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	for _, verified := range []any{false, nil, "no"} {
		evil.Override(testoidc.Overrides{Claims: func(claims testoidc.Claims) {
			claims["email_verified"], claims["sub"] = verified, fmt.Sprint(verified)
		}})
		wantStatus(t, tryEvil(t, app, app.Client(t)), http.StatusSeeOther)
	}
	var known int
	query(t, app, &known, "SELECT COUNT(*) FROM users WHERE username LIKE 'mallory%' AND email <> ''")
	if known != 0 {
		t.Errorf("%d addresses were taken that the provider has not verified", known)
	}
}

// An issuer names its own users, and an address nobody.
func TestOpenID_ASVS_6_8_1_IdentityIsIssuerAndSubject(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	first, second := app.Client(t), app.Client(t)
	wantStatus(t, tryEvil(t, app, first), http.StatusSeeOther)
	back := answer(t, app, leave(t, second, "/auth/other", nil))
	wantStatus(t, second.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	wantSignedIn(t, first, "mallory")
	wantSignedIn(t, second, "mallory-2")
	var admins int
	query(t, app, &admins, "SELECT COUNT(*) FROM identities i JOIN users u ON u.id = i.user_id WHERE u.username = 'admin'")
	if admins != 0 {
		t.Error("an address that a provider says it has verified made somebody the administrator")
	}
}

func TestOpenID_ASVS_7_6_1_AuthTime(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	for name, claim := range map[string]func(testoidc.Claims){
		"Missing": set("auth_time", nil),
		"Old":     set("auth_time", time.Now().Add(-time.Hour).Unix()),
		"OldText": set("auth_time", time.Now().Add(-time.Hour).Format(time.RFC3339)),
		"NoTime":  set("auth_time", "yesterday"),
	} {
		evil.Override(testoidc.Overrides{})
		client := app.Client(t)
		wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
		_, before := client.SessionCookie()
		evil.Override(testoidc.Overrides{Claims: claim})
		back := answer(t, app, leave(t, client, "/auth/evil", url.Values{"fresh": {"true"}}))
		if r := client.HTML(http.MethodGet, back, nil); r.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		if _, after := client.SessionCookie(); before != after {
			t.Errorf("%s: the session was renewed", name)
		}
	}
}

// Who is to show that it is still he is not taken for somebody else, and no user is
// made of who came back in his place.
func TestOpenID_ReauthenticatedAsAnother(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	evil.Override(testoidc.Overrides{Claims: set("sub", "somebody-else")})
	back := answer(t, app, leave(t, client, "/auth/evil", url.Values{"fresh": {"true"}}))
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusForbidden)
	wantSignedIn(t, client, "mallory")
	var users int
	query(t, app, &users, "SELECT COUNT(*) FROM users")
	if users != 5 {
		t.Errorf("%d users", users)
	}
}

func TestOpenID_Cancelled(t *testing.T) {
	app, evil, _ := withHostileProviders(t)
	for code, status := range map[string]int{"access_denied": http.StatusForbidden, "server_error": http.StatusBadGateway, "<script>": http.StatusBadGateway} {
		evil.Override(testoidc.Overrides{Callback: func(a url.Values) {
			a.Del("code")
			a.Set("error", code)
			a.Set("error_description", "<b>call this number</b>")
		}})
		client := app.Client(t)
		r := tryEvil(t, app, client)
		wantStatus(t, r, status)
		if strings.Contains(r.Body, "call this number") || !strings.Contains(r.Body, `href="/signin"`) {
			t.Errorf("%s: the page:\n%s", code, r.Body)
		}
		wantAnonymous(t, client)
	}
}
