package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/actions"
	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/schema"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

const (
	// The times that a client has, against those that send a byte a minute.
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	// shutdownTimeout is how long requests may still take when the app ends.
	shutdownTimeout = 15 * time.Second

	// gcPercent lets the heap grow to five times what is in use, which is a few
	// megabytes, before it is collected. At Go's default of 100 the collector
	// does a sixth of all work. GOGC overrides it.
	gcPercent = 400
)

// serve runs the app until ctx ends, and lets what is under way finish.
func serve(ctx context.Context, out io.Writer) error {
	cfg, err := loadForServing(out)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log := newLogger(cfg)
	conn, err := models.Open(cfg.Database)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := prepareDatabase(ctx, cfg, conn); err != nil {
		return err
	}
	opts := sessions.Options(cfg)
	opts.Logger = log
	house := &housekeeping{conn: conn, log: log}
	opts.Observe = house.observe
	store, err := sessionstore.New(conn, opts)
	if err != nil {
		return err
	}
	app, err := actions.New(cfg, conn, store, log)
	if err != nil {
		return err
	}
	handler, err := actions.Handler(cfg, app, log)
	if err != nil {
		return err
	}
	defer inBackground(store.Run, house.run)()
	return listenAndServe(ctx, cfg, handler, log, out)
}

// loadForServing reads the settings; the first run in development writes them.
func loadForServing(out io.Writer) (config.Config, error) {
	wrote, err := config.FirstRun(config.EnvFile)
	if err != nil {
		return config.Config{}, err
	}
	if wrote {
		fmt.Fprintln(out, "Wrote a fresh SESSION_SECRET to .env")
	}
	return config.Load()
}

// prepareDatabase brings a development database up to date. Elsewhere somebody
// decides when that happens, and the app refuses to start before.
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
		return fmt.Errorf("%w; pending: %s", errPending, strings.Join(pending, ", "))
	}
	return nil
}

// inBackground starts work that goes on until stop is called, which waits for it.
func inBackground(work ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, do := range work {
		running.Go(func() { do(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func listenAndServe(ctx context.Context, cfg config.Config, handler http.Handler, log *slog.Logger, out io.Writer) error {
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("ADDR, PORT: %w", err)
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
	greet(cfg, listener.Addr(), out)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		log.Warn("requests were broken off", "error", err)
		return server.Close()
	}
	return nil
}

// greet says where the app is, with the port that the system chose for PORT=0.
func greet(cfg config.Config, addr net.Addr, out io.Writer) {
	host := *cfg.Host
	if host.Host == "" || host.Port() == "0" {
		host = url.URL{Scheme: "http", Host: addr.String()}
	}
	fmt.Fprintf(out, "Latchkey (%s) is at %s\n", cfg.Env, &host)
	if cfg.BypassAuth {
		fmt.Fprintf(out, "Sign in without a password: %s/signin, or curl -c jar '%s/auth/bypass?token=admin'\n", &host, &host)
	}
}

// newLogger writes to stderr and becomes the default.
func newLogger(cfg config.Config) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.LogLevel}
	var h slog.Handler = slog.NewTextHandler(os.Stderr, opts)
	if cfg.LogFormat == "json" {
		h = slog.NewJSONHandler(os.Stderr, opts)
	}
	log := slog.New(web.LogHandler(h))
	slog.SetDefault(log)
	return log
}
