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

// MovedPath is where its discovery document is, too, whatever it does elsewhere.
const MovedPath = "/moved"

// Claims are what a token says.
type Claims map[string]any

// Fake is a provider that does what a test tells it to. Left alone it does
// right.
type Fake struct {
	URL string // its issuer

	mu sync.Mutex
	Overrides
	keys  []jose.JSONWebKey // the last signs
	codes map[string]url.Values
}

// Overrides are what it does wrong; the zero value is nothing.
type Overrides struct {
	Metadata func(Claims)                             // changes its discovery document
	Claims   func(Claims)                             // changes an ID token before it is signed
	IDToken  func(signed string) string               // changes it afterwards
	Sign     func(f *Fake, claims Claims) string      // signs in its place
	Answer   func(answer url.Values)                  // changes what goes back with the browser
	Token    func(http.ResponseWriter) (handled bool) // answers for the token endpoint
	Discover func(http.ResponseWriter) (handled bool) // answers for the discovery document
	UserInfo func(Claims)                             // changes the user info
	Keys     func(http.ResponseWriter) (handled bool) // answers for its keys
}

// StartFake starts a provider. It ends with the test.
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

// Lie has it tell overrides from now on.
func (f *Fake) Override(overrides Overrides) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Overrides = overrides
}

func (f *Fake) overrides() Overrides {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Overrides
}

// RotateKey has it sign with a new key, and forget the ones before.
func (f *Fake) RotateKey(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = []jose.JSONWebKey{NewKey(t)}
}

// NewKey makes a key with an id of its own.
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

// Sign signs claims with its key, or with another if one is given.
func (f *Fake) Sign(claims Claims, with ...jose.JSONWebKey) string {
	return f.SignAs("", claims, with...)
}

// SignAs is Sign for a token that says what type it is.
func (f *Fake) SignAs(kind jose.ContentType, claims Claims, with ...jose.JSONWebKey) string {
	key := f.signingKey()
	if len(with) > 0 {
		key = with[0]
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
	if override := f.overrides().Discover; override != nil && override(w) {
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
	if override := f.overrides().Metadata; override != nil {
		override(document)
	}
	writeJSON(w, document)
}

func (f *Fake) jwks(w http.ResponseWriter, _ *http.Request) {
	if override := f.overrides().Keys; override != nil && override(w) {
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

// authorize asks nobody and sends the browser back at once.
func (f *Fake) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	code := rand.Text()
	f.mu.Lock()
	f.codes[code] = asked
	f.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {f.URL}}
	if override := f.overrides().Answer; override != nil {
		override(answer)
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	overrides := f.overrides()
	if overrides.Token != nil && overrides.Token(w) {
		return
	}
	f.mu.Lock()
	asked, known := f.codes[r.PostFormValue("code")]
	delete(f.codes, r.PostFormValue("code"))
	f.mu.Unlock()
	if !known || !provesChallenge(asked.Get("code_challenge"), r.PostFormValue("code_verifier")) {
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, Claims{"error": "invalid_grant"})
		return
	}
	claims := Claims{
		"iss": f.URL, "sub": "mallory", "aud": asked.Get("client_id"), "nonce": asked.Get("nonce"),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "auth_time": time.Now().Unix(),
		"name": "Mallory Hostile", "preferred_username": "mallory", "sid": "provider-session",
		"email": "admin@example.com", "email_verified": true,
	}
	if overrides.Claims != nil {
		overrides.Claims(claims)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := ""
	if overrides.Sign != nil {
		token = overrides.Sign(f, claims)
	} else {
		token = f.Sign(claims)
	}
	if overrides.IDToken != nil {
		token = overrides.IDToken(token)
	}
	writeJSON(w, Claims{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": token})
}

func (f *Fake) userInfo(w http.ResponseWriter, _ *http.Request) {
	claims := Claims{"sub": "mallory", "name": "Mallory Hostile"}
	if override := f.overrides().UserInfo; override != nil {
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
