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

// Moved is where its discovery document is, too, whatever it does elsewhere.
const Moved = "/moved"

// Claims are what a token says.
type Claims map[string]any

// Hostile is a provider that does what a test tells it to. Left alone it does
// right.
type Hostile struct {
	URL string // its issuer

	mu sync.Mutex
	Lies
	keys  []jose.JSONWebKey // the last signs
	codes map[string]url.Values
}

// Lies are what it does wrong; the zero value is nothing.
type Lies struct {
	Metadata func(Claims)                             // changes its discovery document
	Claims   func(Claims)                             // changes an ID token before it is signed
	IDToken  func(signed string) string               // changes it afterwards
	Sign     func(h *Hostile, claims Claims) string   // signs in its place
	Answer   func(answer url.Values)                  // changes what goes back with the browser
	Token    func(http.ResponseWriter) (handled bool) // answers for the token endpoint
	Discover func(http.ResponseWriter) (handled bool) // answers for the discovery document
	UserInfo func(Claims)                             // changes the user info
	Keys     func(http.ResponseWriter) (handled bool) // answers for its keys
}

// StartHostile starts a provider. It ends with the test.
func StartHostile(t testing.TB) *Hostile {
	t.Helper()
	h := &Hostile{codes: make(map[string]url.Values)}
	h.RotateKey(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", h.discovery)
	mux.HandleFunc("GET "+Moved, h.document)
	mux.HandleFunc("GET /keys", h.jwks)
	mux.HandleFunc("GET /authorize", h.authorize)
	mux.HandleFunc("POST /token", h.token)
	mux.HandleFunc("GET /userinfo", h.userInfo)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.URL = server.URL
	return h
}

// Lie has it tell lies from now on.
func (h *Hostile) Lie(lies Lies) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Lies = lies
}

func (h *Hostile) lies() Lies {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Lies
}

// RotateKey has it sign with a new key, and forget the ones before.
func (h *Hostile) RotateKey(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = []jose.JSONWebKey{NewKey(t)}
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

func (h *Hostile) signingKey() jose.JSONWebKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[len(h.keys)-1]
}

// Sign signs claims with its key, or with another if one is given.
func (h *Hostile) Sign(claims Claims, with ...jose.JSONWebKey) string {
	return h.SignAs("", claims, with...)
}

// SignAs is Sign for a token that says what type it is.
func (h *Hostile) SignAs(kind jose.ContentType, claims Claims, with ...jose.JSONWebKey) string {
	key := h.signingKey()
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

func (h *Hostile) discovery(w http.ResponseWriter, _ *http.Request) {
	if lie := h.lies().Discover; lie != nil && lie(w) {
		return
	}
	h.document(w, nil)
}

func (h *Hostile) document(w http.ResponseWriter, _ *http.Request) {
	document := Claims{
		"issuer": h.URL, "authorization_endpoint": h.URL + "/authorize", "token_endpoint": h.URL + "/token",
		"jwks_uri": h.URL + "/keys", "userinfo_endpoint": h.URL + "/userinfo", "end_session_endpoint": h.URL + "/end",
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"authorization_response_iss_parameter_supported": true,
	}
	if lie := h.lies().Metadata; lie != nil {
		lie(document)
	}
	writeJSON(w, document)
}

func (h *Hostile) jwks(w http.ResponseWriter, _ *http.Request) {
	if lie := h.lies().Keys; lie != nil && lie(w) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, key := range h.keys {
		set.Keys = append(set.Keys, key.Public())
	}
	writeJSON(w, set)
}

// authorize asks nobody and sends the browser back at once.
func (h *Hostile) authorize(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	code := rand.Text()
	h.mu.Lock()
	h.codes[code] = asked
	h.mu.Unlock()
	answer := url.Values{"code": {code}, "state": {asked.Get("state")}, "iss": {h.URL}}
	if lie := h.lies().Answer; lie != nil {
		lie(answer)
	}
	http.Redirect(w, r, asked.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (h *Hostile) token(w http.ResponseWriter, r *http.Request) {
	lies := h.lies()
	if lies.Token != nil && lies.Token(w) {
		return
	}
	h.mu.Lock()
	asked, known := h.codes[r.PostFormValue("code")]
	delete(h.codes, r.PostFormValue("code"))
	h.mu.Unlock()
	if !known || !provesChallenge(asked.Get("code_challenge"), r.PostFormValue("code_verifier")) {
		w.WriteHeader(http.StatusBadRequest)
		writeJSON(w, Claims{"error": "invalid_grant"})
		return
	}
	claims := Claims{
		"iss": h.URL, "sub": "mallory", "aud": asked.Get("client_id"), "nonce": asked.Get("nonce"),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "auth_time": time.Now().Unix(),
		"name": "Mallory Hostile", "preferred_username": "mallory", "sid": "provider-session",
		"email": "admin@example.com", "email_verified": true,
	}
	if lies.Claims != nil {
		lies.Claims(claims)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := ""
	if lies.Sign != nil {
		token = lies.Sign(h, claims)
	} else {
		token = h.Sign(claims)
	}
	if lies.IDToken != nil {
		token = lies.IDToken(token)
	}
	writeJSON(w, Claims{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": token})
}

func (h *Hostile) userInfo(w http.ResponseWriter, _ *http.Request) {
	claims := Claims{"sub": "mallory", "name": "Mallory Hostile"}
	if lie := h.lies().UserInfo; lie != nil {
		lie(claims)
	}
	writeJSON(w, claims)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}
