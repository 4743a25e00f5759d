// Package testapp builds and runs the app for tests, in an empty folder and with only the
// settings of the test in its environment.
//
//	app := testapp.Start(t, testapp.Options{Engine: testdb.PostgreSQL})
//	client := app.Client(t)
//	client.SignIn("admin")
//	who := client.JSON(http.MethodGet, "/session", nil)
//
// The database comes from package testdb, so the package of the test must call testdb.Main.
//
// Every test fails if the app's log contains the secret of a cookie, a data race or a
// panic, or if the app does not stop cleanly.
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
	startAttempts = 3 // another program may take the free port first
	poolSize      = 4 // connections of App.DB
)

// Options configure an app.
type Options struct {
	Engine      testdb.Engine // creates the database; default testdb.SQLite
	DatabaseURL string        // an existing database, in place of Engine
	Env         string        // GO_ENV; default test
	Extra       []string      // more settings: NAME=value, or NAME to unset one
	Dir         string        // working directory; default an empty one
}

// App is a running app.
type App struct {
	URL    string          // stays the same after Restart
	Dir    string          // working directory
	Secret string          // its SESSION_SECRET
	DB     *pop.Connection // for queries by the test
	env    map[string]string
	log    output
	serve  *process

	mu            sync.Mutex
	issuedCookies []string // values of all cookies in responses
}

// Start starts an app with the development users, and returns when it is ready. The app is
// stopped at the end of the test.
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

// newApp returns an app without a port, which is not started.
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
		"TZ":             "America/New_York", // so that a time that is not in UTC fails tests
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

// open opens the database with a small pool of its own.
func open(t testing.TB, databaseURL string) *pop.Connection {
	t.Helper()
	return appdb.Open(t, databaseURL, func(details *pop.ConnectionDetails) {
		details.Pool, details.IdlePool = poolSize, poolSize
	})
}

// prepare migrates and seeds the database if the app does not do it at the start.
func (a *App) prepare(t testing.TB) {
	t.Helper()
	env := a.env["GO_ENV"]
	if env != config.Staging && env != config.Production {
		return
	}
	a.Run(t, "migrate").Want(t, 0)
	seed := maps.Clone(a.env)
	seed["GO_ENV"] = config.Staging // not allowed in production
	Run(t, a.Dir, environ(seed), "task", "db:seed").Want(t, 0)
}

// choosePort sets a free port, unless the test has set one.
func (a *App) choosePort(t testing.TB, o Options) {
	t.Helper()
	given := slices.ContainsFunc(o.Extra, func(s string) bool { return strings.HasPrefix(s, "PORT=") })
	if !given {
		a.env["PORT"] = FreePort(t)
	}
	a.URL = "http://127.0.0.1:" + a.env["PORT"]
}

// FreePort returns an unused port of 127.0.0.1.
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

// start starts the process and waits until it is ready.
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

// ready reports whether the app has printed that it listens, and /readyz returns 200.
// /readyz is not enough: another program may have taken the port.
func (a *App) ready() bool {
	if !a.serve.listens() {
		return false
	}
	r, err := newClient(nil, a).Try("GET", "/readyz")
	return err == nil && r.StatusCode == 200
}

// Run runs another command, such as a task, in the app's folder and with its settings.
func (a *App) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return Run(t, a.Dir, environ(a.env), args...)
}

// Log returns what the app has logged so far, including before a restart.
func (a *App) Log() string { return a.log.String() }

// Stop stops the app with SIGTERM. It fails the test if the exit code is not 0.
func (a *App) Stop(t testing.TB) {
	t.Helper()
	if err := a.serve.stop(); err != nil {
		t.Errorf("stop app: %v", err)
	}
}

// Kill kills the app, to simulate a crash.
func (a *App) Kill(t testing.TB) {
	t.Helper()
	_ = a.serve.Kill() // only says that it was killed
}

// Restart stops the app if it is running, and starts it again at the same URL.
func (a *App) Restart(t testing.TB) {
	t.Helper()
	if !a.serve.Ended() {
		a.Stop(t)
	}
	if err := a.start(); err != nil {
		t.Fatal(err)
	}
}

// finish stops the app and checks its log.
func (a *App) finish(t testing.TB) {
	t.Helper()
	if !a.serve.Ended() {
		a.Stop(t)
	}
	log := a.Log()
	for _, sign := range []string{"DATA RACE", "panic: ", "goroutine 1 ["} {
		if strings.Contains(log, sign) {
			t.Errorf("the app's log contains %q", sign)
		}
	}
	for _, secret := range a.Secrets() {
		if strings.Contains(log, secret) {
			t.Errorf("the app's log contains the secret %q", secret)
		}
	}
	if t.Failed() {
		t.Logf("the end of the app's log:\n%s", tail(log))
	}
}

// Secrets returns SESSION_SECRET and the secret parts of all cookies that clients
// received.
func (a *App) Secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	secrets := []string{a.Secret}
	for _, value := range a.issuedCookies {
		if parts := strings.Split(value, "."); len(parts) == 3 {
			secrets = append(secrets, parts[1])
		}
	}
	return secrets
}

// Poll waits until done returns true. It fails the test if that takes too long.
func Poll(t testing.TB, what string, done func() bool) {
	t.Helper()
	if err := testproc.Poll(done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
