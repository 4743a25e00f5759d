package testoidc

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// MovedPath is another path of the discovery document, for redirects to it. Only
// Overrides.Metadata applies to it.
const MovedPath = "/moved"

// Claims are the claims of a token.
type Claims map[string]any

// Fake is a provider whose responses a test can change. It signs in the user mallory
// without a login form.
type Fake struct {
	URL string // the issuer

	mu        sync.Mutex
	overrides Overrides
	keys      []jose.JSONWebKey     // the last one signs
	codes     map[string]url.Values // the authorization requests, by code
}

// Overrides change the responses of a Fake. The zero value changes nothing. A function
// that returns handled has written the response.
type Overrides struct {
	Discovery func(http.ResponseWriter) (handled bool)
	Metadata  func(Claims) // of the discovery document
	Keys      func(http.ResponseWriter) (handled bool)
	Callback  func(query url.Values) // that the browser brings back to the app
	Token     func(http.ResponseWriter) (handled bool)
	Claims    func(Claims)                        // of the ID token; nil values are left out
	Sign      func(f *Fake, claims Claims) string // signs the ID token in place of Fake.Sign
	IDToken   func(signed string) string
	UserInfo  func(Claims)
}

// StartFake starts a fake provider, which stops at the end of the test.
func StartFake(t testing.TB) *Fake {
	t.Helper()
	f := &Fake{codes: make(map[string]url.Values)}
	f.RotateKey(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", f.discovery)
	mux.HandleFunc("GET "+MovedPath, f.document)
	mux.HandleFunc("GET /keys", f.jwks)
	mux.HandleFunc("GET /authorize", f.authorize)
	mux.HandleFunc("POST /token", f.token)
	mux.HandleFunc("GET /userinfo", f.userInfo)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// Override changes the responses from now on, in place of all earlier overrides.
func (f *Fake) Override(overrides Overrides) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.overrides = overrides
}

func (f *Fake) current() Overrides {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.overrides
}

// RotateKey replaces all keys by a new one.
func (f *Fake) RotateKey(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = []jose.JSONWebKey{NewKey(t)}
}

// NewKey returns a new key with a random ID.
func NewKey(t testing.TB) jose.JSONWebKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
}

func (f *Fake) signingKey() jose.JSONWebKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys[len(f.keys)-1]
}

// Sign returns a token with the claims, signed with the provider's key, or with another
// one if given.
func (f *Fake) Sign(claims Claims, keys ...jose.JSONWebKey) string {
	return f.SignAs("", claims, keys...)
}

// SignAs is Sign with a type in the token's header.
func (f *Fake) SignAs(kind jose.ContentType, claims Claims, keys ...jose.JSONWebKey) string {
	key := f.signingKey()
	if len(keys) > 0 {
		key = keys[0]
	}
	options := (&jose.SignerOptions{}).WithHeader(jose.HeaderKey("kid"), key.KeyID)
	if kind != "" {
		options = options.WithType(kind)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key.Key}, options)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func (f *Fake) discovery(w http.ResponseWriter, _ *http.Request) {
	if override := f.current().Discovery; override != nil && override(w) {
		return
	}
	f.document(w, nil)
}

func (f *Fake) document(w http.ResponseWriter, _ *http.Request) {
	document := Claims{
		"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token",
		"jwks_uri": f.URL + "/keys", "userinfo_endpoint": f.URL + "/userinfo", "end_session_endpoint": f.URL + "/end",
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if override := f.current().Metadata; override != nil {
		override(document)
	}
	writeJSON(w, document)
}

func (f *Fake) jwks(w http.ResponseWriter, _ *http.Request) {
	if override := f.current().Keys; override != nil && override(w) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, key := range f.keys {
		set.Keys = append(set.Keys, key.Public())
	}
	writeJSON(w, set)
}

// authorize redirects the browser back without a login form.
func (f *Fake) authorize(w http.ResponseWriter, r *http.Request) {
	request := r.URL.Query()
	code := rand.Text()
	f.mu.Lock()
	f.codes[code] = request
	f.mu.Unlock()
	callback := url.Values{"code": {code}, "state": {request.Get("state")}, "iss": {f.URL}}
	if override := f.current().Callback; override != nil {
		override(callback)
	}
	http.Redirect(w, r, request.Get("redirect_uri")+"?"+callback.Encode(), http.StatusFound)
}

func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	overrides := f.current()
	if overrides.Token != nil && overrides.Token(w) {
		return
	}
	f.mu.Lock()
	request, known := f.codes[r.PostFormValue("code")]
	delete(f.codes, r.PostFormValue("code"))
	f.mu.Unlock()
	if !known || !provesChallenge(request.Get("code_challenge"), r.PostFormValue("code_verifier")) {
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, Claims{"error": "invalid_grant"})
		return
	}
	writeJSON(w, Claims{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": f.idToken(overrides, request)})
}

// idToken returns the ID token for an authorization request.
func (f *Fake) idToken(overrides Overrides, request url.Values) string {
	now := time.Now()
	claims := Claims{
		"iss": f.URL, "sub": "mallory", "aud": request.Get("client_id"), "nonce": request.Get("nonce"),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "auth_time": now.Unix(),
		"name": "Mallory Hostile", "preferred_username": "mallory", "sid": "provider-session",
		"email": "admin@example.com", "email_verified": true,
	}
	if overrides.Claims != nil {
		overrides.Claims(claims)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	sign := overrides.Sign
	if sign == nil {
		sign = func(f *Fake, claims Claims) string { return f.Sign(claims) }
	}
	token := sign(f, claims)
	if overrides.IDToken != nil {
		token = overrides.IDToken(token)
	}
	return token
}

func (f *Fake) userInfo(w http.ResponseWriter, _ *http.Request) {
	claims := Claims{"sub": "mallory", "name": "Mallory Hostile"}
	if override := f.current().UserInfo; override != nil {
		override(claims)
	}
	writeJSON(w, claims)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}
