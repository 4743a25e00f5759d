package sessionmw_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gobuffalo/envy"
	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

const long, longer = "a secret that has 32 bytes or more", "another secret that has 32 bytes or more"

func TestSecrets(t *testing.T) {
	for _, test := range []struct {
		name, env, setting string
		want               []string
	}{
		{"One", "production", long, []string{long}},
		{"Several", "production", long + ", " + longer + ",", []string{long, longer}},
		{"LongInTest", "test", long, []string{long}},
		{"LongInDevelopment", "development", longer, []string{longer}},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, "GO_ENV", test.env, "SESSION_SECRET", test.setting)
			got, err := sessionmw.Secrets()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, test.want, func(a []byte, b string) bool { return string(a) == b }) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSecrets_Refused(t *testing.T) {
	const short = "hunter2"
	for _, env := range []string{"production", "staging"} {
		for _, setting := range []string{"", " , ", short, long + "," + short, short + "," + long} {
			setenv(t, "GO_ENV", env, "SESSION_SECRET", setting)
			got, err := sessionmw.Secrets()
			if err == nil || got != nil {
				t.Errorf("%s, %q: %q, %v", env, setting, got, err)
				continue
			}
			if !strings.Contains(err.Error(), "openssl rand -hex 32") || strings.Contains(err.Error(), short) {
				t.Errorf("%s, %q: %v", env, setting, err)
			}
			if strings.Contains(setting, short) != strings.Contains(err.Error(), "OLD_SESSION_SECRET") {
				t.Errorf("%s, %q: %v", env, setting, err)
			}
		}
	}
}

// In development, no secret is needed, and a short one is accepted.
func TestSecrets_Local(t *testing.T) {
	for _, env := range []string{"development", "test"} {
		var all [][]byte
		for _, setting := range []string{"", "short", "other"} {
			setenv(t, "GO_ENV", env, "SESSION_SECRET", setting)
			got, err := sessionmw.Secrets()
			if err != nil || len(got) != 1 || len(got[0]) < 32 {
				t.Fatalf("%s, %q: %q, %v", env, setting, got, err)
			}
			again, err := sessionmw.Secrets()
			if err != nil || !bytes.Equal(got[0], again[0]) {
				t.Errorf("%s, %q: not the same twice", env, setting)
			}
			if slices.ContainsFunc(all, func(b []byte) bool { return bytes.Equal(b, got[0]) }) {
				t.Errorf("%s, %q: same as another", env, setting)
			}
			all = append(all, got[0])
		}
	}
}

func TestOldCookies(t *testing.T) {
	for _, test := range []struct {
		name                 string
		env, setting, before string
		signedWith           string
		want                 bool
	}{
		{"SameSecret", "production", "short", "", "short", true},
		{"SecretWithComma", "production", "a,b", "", "a,b", true},
		{"PartOfSecret", "production", "a,b", "", "a", false},
		{"RotatedSecret", "production", "another-" + long + ", " + long, "", long, true},
		{"OldSecret", "production", long, "short", "short", true},
		{"NewSecretBesideOld", "production", long, "short", long, true},
		{"OtherSecret", "production", long, "short", "guess", false},
		{"BuffaloSecretInDevelopment", "development", "", "", "buffalo-secret", true},
		{"BuffaloSecretInTest", "test", long, "", "buffalo-secret", true},
		{"BuffaloSecretInProduction", "production", long, "", "buffalo-secret", false},
		{"EmptySecretInProduction", "production", "", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, "GO_ENV", test.env, "SESSION_SECRET", test.setting, "OLD_SESSION_SECRET", test.before)
			r := requestWithCookie(t, sessions.NewCookieStore([]byte(test.signedWith)))
			session, err := sessionmw.OldCookies().Get(r, sessionName)
			if got := session.Values["user_id"] == "ada"; got != test.want {
				t.Errorf("signed in: %t, %v", got, err)
			}
		})
	}
}

// requestWithCookie returns a request with a session of store in which ada is
// signed in.
func requestWithCookie(t *testing.T, store sessions.Store) *http.Request {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	session, _ := store.Get(r, sessionName)
	session.Values["user_id"] = "ada"
	if err := session.Save(r, w); err != nil {
		t.Skip("securecookie cannot make such a cookie any more:", err) // later versions refuse an empty key
	}
	r = httptest.NewRequest(http.MethodGet, "/", nil)
	for _, cookie := range w.Result().Cookies() {
		r.AddCookie(cookie)
	}
	return r
}

// setenv sets variables in envy for the duration of the test.
func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	before := envy.Map()
	t.Cleanup(func() {
		for i := 0; i < len(pairs); i += 2 {
			envy.Set(pairs[i], before[pairs[i]])
		}
	})
	for i := 0; i < len(pairs); i += 2 {
		envy.Set(pairs[i], pairs[i+1])
	}
}
