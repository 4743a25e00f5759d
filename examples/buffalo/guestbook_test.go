package buffalo_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// Whenever a session is saved, the request's transaction holds SQLite's write
// lock and, with a pool of 1, the only connection. A store that did not save in
// this transaction would wait forever.
func TestGuestBook(t *testing.T) {
	program := build(t)
	for _, engine := range testdb.Engines() {
		for _, pool := range []string{"1", "5"} {
			t.Run(fmt.Sprintf("%s pool %s", engine, pool), func(t *testing.T) {
				address := serve(t, program, "DATABASE_URL="+databaseURL(t, engine), "POOL="+pool)
				inParallel(8, func(i int) { stay(t, address, fmt.Sprintf("visitor %d", i)) })
				inParallel(8, func(int) { pageInPieces(t, address) })
			})
		}
	}
}

// databaseURL returns a DATABASE_URL that Pop accepts without further options.
func databaseURL(t *testing.T, engine testdb.Engine) string {
	url := testdb.NewURL(t, engine)
	if engine != testdb.MariaDB {
		return url
	}
	details, err := config.DatabaseAt(url)
	if err != nil {
		t.Fatal(err)
	}
	return details.URL
}

// stay signs a visitor in, who leaves valid and invalid notes.
func stay(t *testing.T, address, name string) {
	v := newVisitor(t, address)
	v.post("/signin", url.Values{"name": {""}}, http.StatusUnprocessableEntity)
	v.post("/signin", url.Values{"name": {name}}, http.StatusSeeOther)
	for i := range 5 {
		v.post("/notes", url.Values{"text": {""}}, http.StatusUnprocessableEntity)
		v.post("/notes", url.Values{"text": {"hello"}}, http.StatusSeeOther)
		v.want("Thank you")
		v.want(fmt.Sprintf("You are %s, left %d notes and forgot the text %d times.", name, i+1, i+1))
		v.wantNot("Thank you") // that was said, once
	}
	v.post("/signout", nil, http.StatusSeeOther)
	v.want("Sign in")
}

// pageInPieces sends many concurrent requests with one session, as a page load
// does.
func pageInPieces(t *testing.T, address string) {
	v := newVisitor(t, address)
	v.post("/signin", url.Values{"name": {"ada"}}, http.StatusSeeOther)
	token := v.token()
	inParallel(6, func(i int) {
		text := strings.Repeat("x", i%2) // every other note is refused
		if status, _ := v.do(http.MethodPost, "/notes", url.Values{"text": {text}, "authenticity_token": {token}}); status >= 500 {
			t.Errorf("a note: %d", status)
		}
	})
	v.want("You are ada")
}

func inParallel(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "guestbook")
	if out, err := exec.Command("go", "build", "-o", program, "./cmd/app").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// serve runs the guest book in development and returns its address.
func serve(t *testing.T, program string, settings ...string) string {
	port := testapp.FreePort(t)
	address := "http://127.0.0.1:" + port
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(settings, "GO_ENV=development", "ADDR=127.0.0.1", "PORT="+port, "HOME="+t.TempDir(),
		"SESSION_SECRET="+strings.Repeat("5e", 32))
	cmd.Stdout, cmd.Stderr = log, log
	p, err := testproc.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Kill()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("%s", text[max(0, len(text)-5000):])
		}
	})
	err = testproc.Poll(func() bool {
		response, err := http.Get(address)
		return p.Ended() || err == nil && response.Body.Close() == nil
	})
	if err != nil || p.Ended() {
		t.Fatalf("the guest book did not start: %v", err)
	}
	return address
}

// A visitor is a browser that does not follow redirects.
type visitor struct {
	t       *testing.T
	address string
	client  *http.Client
}

func newVisitor(t *testing.T, address string) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	client.Timeout = testproc.Patience
	return &visitor{t, address, client}
}

func (v *visitor) do(method, path string, form url.Values) (status int, page string) {
	r, err := http.NewRequest(method, v.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Error(err)
		return 0, ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Error(err)
	}
	return response.StatusCode, string(body)
}

var tokenField = regexp.MustCompile(`name="authenticity_token" value="([^"]+)"`)

// token returns the CSRF token of the home page's forms.
func (v *visitor) token() string {
	_, page := v.do(http.MethodGet, "/", nil)
	field := tokenField.FindStringSubmatch(page)
	if field == nil {
		v.t.Errorf("no form on the page:\n%s", page)
		return ""
	}
	return strings.ReplaceAll(field[1], "&#43;", "+")
}

// post submits a form of the home page.
func (v *visitor) post(path string, form url.Values, want int) {
	v.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("authenticity_token", v.token())
	if status, page := v.do(http.MethodPost, path, form); status != want {
		v.t.Errorf("POST %s: %d, want %d\n%s", path, status, want, page)
	}
}

func (v *visitor) want(text string) {
	v.t.Helper()
	if status, page := v.do(http.MethodGet, "/", nil); status != http.StatusOK || !strings.Contains(page, text) {
		v.t.Errorf("%d without %q:\n%s", status, text, page)
	}
}

func (v *visitor) wantNot(text string) {
	v.t.Helper()
	if _, page := v.do(http.MethodGet, "/", nil); strings.Contains(page, text) {
		v.t.Errorf("still %q:\n%s", text, page)
	}
}
