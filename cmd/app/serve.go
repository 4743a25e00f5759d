package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/actions"
	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/database"
	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// The server closes connections of clients that take longer than these.
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	// shutdownTimeout is how long requests in progress may take after SIGTERM.
	shutdownTimeout = 15 * time.Second

	// gcPercent makes the garbage collector run less often. At Go's default of 100 it
	// takes a sixth of the CPU time; the live heap is only a few megabytes. GOGC
	// overrides it.
	gcPercent = 400
)

// serve serves the app until ctx is done.
func serve(ctx context.Context, args []string, out io.Writer) error {
	if err := noArguments("serve", args); err != nil {
		return err
	}
	cfg, err := loadSettings(out)
	if err != nil {
		return err
	}
	log := setLogger(cfg)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	conn, err := database.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := prepareDatabase(ctx, cfg, conn); err != nil {
		return err
	}
	house := &housekeeping{conn: conn, log: log}
	store, handler, err := newApp(cfg, conn, house, log)
	if err != nil {
		return err
	}
	defer inBackground(store.Run, house.run)()
	return listenAndServe(ctx, cfg, handler, log, out)
}

// loadSettings reads the settings. The first run in development writes them first.
func loadSettings(out io.Writer) (config.Config, error) {
	wrote, err := config.FirstRun(config.EnvFile)
	if err != nil {
		return config.Config{}, err
	}
	cfg, err := config.Load()
	if wrote {
		say(cfg, out, "Wrote a new SESSION_SECRET to "+config.EnvFile)
	}
	return cfg, err
}

// say prints a line for the person who starts the app. It is a log line if the log is
// JSON, so that programs can parse all output.
func say(cfg config.Config, out io.Writer, text string, attrs ...any) {
	if cfg.LogFormat == "json" {
		slog.New(newLogHandler(cfg, out, slog.LevelInfo)).Info(text, attrs...)
		return
	}
	fmt.Fprintln(out, text)
}

// prepareDatabase brings a development database up to date. In staging and production,
// the operator decides when to migrate, and the app does not start before that.
func prepareDatabase(ctx context.Context, cfg config.Config, conn *pop.Connection) error {
	if cfg.Local() {
		if _, err := schema.Up(ctx, conn); err != nil {
			return err
		}
		_, err := models.SeedUsers(conn)
		return err
	}
	pending, err := schema.Pending(conn)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("database migrations are pending (%s); run app migrate first", strings.Join(pending, ", "))
	}
	return nil
}

func newApp(cfg config.Config, conn *pop.Connection, house *housekeeping, log *slog.Logger) (*sessionstore.Store, http.Handler, error) {
	opts := sessions.Options(cfg)
	opts.Logger = log
	opts.Observe = house.observe
	store, err := sessionstore.New(conn, opts)
	if err != nil {
		return nil, nil, err
	}
	app, err := actions.New(cfg, conn, store, log)
	if err != nil {
		return nil, nil, err
	}
	handler, err := actions.Handler(cfg, app, log)
	return store, handler, err
}

// inBackground starts functions that run until stop is called. stop waits for them.
func inBackground(functions ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, f := range functions {
		running.Go(func() { f(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// listenAndServe serves until ctx is done, and then waits for requests in progress.
func listenAndServe(ctx context.Context, cfg config.Config, handler http.Handler, log *slog.Logger, out io.Writer) error {
	listener, err := listen(cfg.Addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	announce(cfg, listener.Addr(), out)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		log.Warn("requests in progress were aborted", "error", err)
		return server.Close()
	}
	return nil
}

// listen returns an error that names the setting to change.
func listen(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if err == nil {
		return listener, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
		return nil, config.SettingError("ADDR", err.Error(), "ADDR=127.0.0.1")
	}
	example := "PORT=3001"
	if strings.HasSuffix(addr, ":3001") {
		example = "PORT=3002"
	}
	return nil, config.SettingError("PORT", err.Error(), example)
}

// announce says that the app is ready, and where.
func announce(cfg config.Config, addr net.Addr, out io.Writer) {
	url := appURL(cfg, addr)
	say(cfg, out, fmt.Sprintf("Latchkey (%s) is at %s", cfg.Env, url), "env", cfg.Env, "url", url)
	if cfg.BypassAuth {
		say(cfg, out, fmt.Sprintf("Development sign-in, without a password: %s/signin, or curl -c jar '%s/auth/bypass?token=admin'", url, url))
	}
}

// appURL returns HOST, or the address that the app listens on. If it listens on all
// addresses, that is the one of this machine.
func appURL(cfg config.Config, addr net.Addr) string {
	if cfg.Host.Host != "" {
		return cfg.Host.String()
	}
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return "http://" + host
}
