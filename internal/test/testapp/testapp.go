// Package testapp runs the real app for tests: the program that cmd/app is
// built to, in an empty folder, with an environment that holds nothing but the
// settings of the test.
//
//	app := testapp.Start(t, testapp.Options{Engine: testdb.PostgreSQL})
//	client := app.Client(t)
//	client.SignIn("admin")
//	who := client.JSON(http.MethodGet, "/session", nil)
//
// The database comes from package testdb, so a package that uses this one ends
// with testdb.Main.
//
// Whatever the test is about, it fails when the app's log holds a secret of a
// cookie that the app handed out, a data race or a panic, and when the app does
// not end in peace.
package testapp

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/appdb"
	"github.com/latchkey/latchkey/sessionstore/testdb"
	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

const (
	startAttempts = 3 // a free port may be taken before the app has it
	poolSize      = 4 // connections of App.DB
)

// Options say which app a test needs.
type Options struct {
	Engine      testdb.Engine // gives the database; default testdb.SQLite
	DatabaseURL string        // of a database that the test made, in place of Engine
	Env         string        // GO_ENV; default test
	Extra       []string      // further settings: NAME=value, or NAME to unset one
	Dir         string        // to run in; default an empty folder
}

// App is a running app.
type App struct {
	URL    string          // where it is; stays the same over a Restart
	Dir    string          // the folder it runs in
	Secret string          // its SESSION_SECRET
	DB     *pop.Connection // to look at its rows
	env    map[string]string
	log    output
	serve  *process

	mu        sync.Mutex
	handedOut []string // values of cookies
}

// Start starts an app with the users of development in its database, and
// returns when it is ready. It is stopped at the end of the test.
func Start(t testing.TB, o Options) *App {
	t.Helper()
	a := newApp(t, o)
	a.prepare(t)
	a.choosePort(t, o)
	err := a.start()
	for range startAttempts - 1 {
		if err == nil || !strings.Contains(a.log.String(), "address already in use") {
			break
		}
		a.choosePort(t, o)
		err = a.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.finish(t) })
	return a
}

// newApp settles everything but the port.
func newApp(t testing.TB, o Options) *App {
	t.Helper()
	if o.Env == "" {
		o.Env = config.Test
	}
	if o.DatabaseURL == "" {
		if o.Engine == "" {
			o.Engine = testdb.SQLite
		}
		o.DatabaseURL = testdb.NewURL(t, o.Engine)
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	a := &App{Dir: o.Dir, Secret: config.NewSecret(), DB: open(t, o.DatabaseURL)}
	a.env = map[string]string{
		"HOME":           a.Dir,
		"TZ":             "America/New_York", // a time that is not kept in UTC shows
		"GO_ENV":         o.Env,
		"ADDR":           "127.0.0.1",
		"SESSION_SECRET": a.Secret,
		"LOG_LEVEL":      "info",
	}
	if o.Env == config.Test {
		a.env["TEST_DATABASE_URL"] = o.DatabaseURL
	} else {
		a.env["DATABASE_URL"] = o.DatabaseURL
	}
	if o.Env != config.Production {
		a.env["BYPASS_AUTH"] = "true"
	}
	for _, setting := range o.Extra {
		if name, value, set := strings.Cut(setting, "="); set {
			a.env[name] = value
		} else {
			delete(a.env, name)
		}
	}
	return a
}

// open opens the database with a small pool, beside the app's.
func open(t testing.TB, databaseURL string) *pop.Connection {
	t.Helper()
	return appdb.Open(t, databaseURL, func(details *pop.ConnectionDetails) {
		details.Pool, details.IdlePool = poolSize, poolSize
	})
}

// prepare migrates and seeds the database, where the app does not by itself.
func (a *App) prepare(t testing.TB) {
	t.Helper()
	env := a.env["GO_ENV"]
	if env != config.Staging && env != config.Production {
		return
	}
	a.Run(t, "migrate").Want(t, 0)
	seed := maps.Clone(a.env)
	seed["GO_ENV"] = config.Staging // production refuses
	Run(t, a.Dir, environ(seed), "task", "db:seed").Want(t, 0)
}

// choosePort gives the app a free port, unless the test did.
func (a *App) choosePort(t testing.TB, o Options) {
	t.Helper()
	given := slices.ContainsFunc(o.Extra, func(s string) bool { return strings.HasPrefix(s, "PORT=") })
	if !given {
		a.env["PORT"] = FreePort(t)
	}
	a.URL = "http://127.0.0.1:" + a.env["PORT"]
}

// FreePort returns a loopback port that nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start starts the process and waits until it can serve.
func (a *App) start() error {
	p, err := spawn(a.Dir, environ(a.env), &a.log, "serve")
	if err != nil {
		return err
	}
	a.serve = p
	ready := testproc.Poll(func() bool { return p.Ended() || a.ready() })
	if ready == nil && !p.Ended() {
		return nil
	}
	return fmt.Errorf("start app: %w\n%s", errors.Join(ready, p.Kill()), a.log.String())
}

// ready reports whether the app says that it listens, and can serve. Without
// the first another program that took the port might answer.
func (a *App) ready() bool {
	if !a.serve.listens() {
		return false
	}
	r, err := newClient(nil, a).Try("GET", "/readyz")
	return err == nil && r.StatusCode == 200
}

// Run runs another command of the app, such as a task, beside it: in its folder
// and with its settings.
func (a *App) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return Run(t, a.Dir, environ(a.env), args...)
}

// Log returns what the app has logged so far, before a restart too.
func (a *App) Log() string { return a.log.String() }

// Stop ends the app as an operator would, and fails unless it exits with 0.
func (a *App) Stop(t testing.TB) {
	t.Helper()
	if err := a.serve.stop(); err != nil {
		t.Errorf("stop app: %v", err)
	}
}

// Kill ends the app as a crash would.
func (a *App) Kill(t testing.TB) {
	t.Helper()
	_ = a.serve.Kill() // says that it was killed
}

// Restart starts the app again where it was, after a Stop if it still runs.
func (a *App) Restart(t testing.TB) {
	t.Helper()
	if !a.serve.Ended() {
		a.Stop(t)
	}
	if err := a.start(); err != nil {
		t.Fatal(err)
	}
}

// finish stops the app and judges its log.
func (a *App) finish(t testing.TB) {
	t.Helper()
	if !a.serve.Ended() {
		a.Stop(t)
	}
	log := a.Log()
	for _, sign := range []string{"DATA RACE", "panic: ", "goroutine 1 ["} {
		if strings.Contains(log, sign) {
			t.Errorf("the app's log holds %q", sign)
		}
	}
	for _, secret := range a.Secrets() {
		if strings.Contains(log, secret) {
			t.Errorf("the app's log holds the secret %q", secret)
		}
	}
	if t.Failed() {
		t.Logf("the end of the app's log:\n%s", tail(log))
	}
}

// Secrets returns what nobody but the browser may learn: the secret parts of
// all cookies that clients of the app were given, and SESSION_SECRET.
func (a *App) Secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	secrets := []string{a.Secret}
	for _, value := range a.handedOut {
		if parts := strings.Split(value, "."); len(parts) == 3 {
			secrets = append(secrets, parts[1])
		}
	}
	return secrets
}

// Poll waits until done says so and fails the test when that takes too long.
func Poll(t testing.TB, what string, done func() bool) {
	t.Helper()
	if err := testproc.Poll(done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
