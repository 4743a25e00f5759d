// Package actions is the web app: its table of routes, its middleware, and one file
// for each resource.
package actions

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/mux"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/accounts"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/locales"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/signin"
)

// app is what the handlers share. Nothing in it changes after New.
type app struct {
	cfg        config.Config
	db         *pop.Connection
	store      *sessionstore.Store
	accounts   accounts.Accounts
	flow       *signin.Flow
	limits     limits
	statistics *statisticsCache
	log        *slog.Logger
	pages      pages
	ready      readiness
	router     *mux.Router
}

// New returns the Buffalo app for a migrated database. Handler wraps it in what
// every response needs. New fails if an embedded file is broken.
func New(cfg config.Config, db *pop.Connection, store *sessionstore.Store, log *slog.Logger) (*buffalo.App, error) {
	texts, err := web.NewTexts(locales.FS(), english)
	if err != nil {
		return nil, err
	}
	if err := loadPlugins(cfg); err != nil {
		return nil, err
	}
	flow, err := signin.New(cfg.Providers, signin.Options{
		Secrets:     cfg.Session.Secrets,
		MaxAge:      max(cfg.Session.Lifetime, cfg.Session.RememberLifetime),
		ReplayGuard: models.NewReplayGuard(db),
		Insecure:    !cfg.Secure(),
	})
	if err != nil {
		return nil, err
	}
	origin, err := newOriginCheck(cfg)
	if err != nil {
		return nil, err
	}
	a := &app{
		cfg: cfg, db: db, store: store, flow: flow, log: log,
		accounts:   accounts.Accounts{DB: db, Store: store},
		limits:     newLimits(),
		statistics: &statisticsCache{db: db, store: store, log: log},
		pages:      newPages(cfg, texts),
	}
	a.pages.providerLabel = a.providerLabel
	b := buffalo.New(buffalo.Options{
		Env:            cfg.Env,
		Addr:           cfg.Addr,
		Host:           cfg.Host.String(),
		Logger:         web.BuffaloLogger(log),
		SessionStore:   store,
		SessionName:    cfg.CookieName(),
		MethodOverride: web.MethodOverride,
		WorkerOff:      true,
	})
	a.router = b.Muxer()
	a.handleErrors(b)
	b.Middleware.Remove(buffalo.RequestLogger) // Handler logs requests, also those for static files
	b.Use(web.RefuseLargeBody, logCaller, web.RefuseCrossOrigin(origin), sessionmw.Require, a.identify, texts.Middleware())
	a.routes(b)
	return b, nil
}

// newOriginCheck returns the protection against requests that other sites' pages
// send (CSRF).
func newOriginCheck(cfg config.Config) (*http.CrossOriginProtection, error) {
	origin := http.NewCrossOriginProtection()
	if cfg.Host.Host != "" {
		if err := origin.AddTrustedOrigin(cfg.Host.String()); err != nil {
			return nil, fmt.Errorf("HOST: %w", err)
		}
	}
	// Some providers post their answers. The handler reads no cookie: see postedAuth.
	origin.AddInsecureBypassPattern("POST /auth/{provider}/callback/{$}")
	return origin, nil
}

// loadPlugins lets Buffalo start its plugins in development only. Otherwise it would
// run executables from ./plugins and $GOPATH/bin, and write into the home directory,
// wherever the app runs. Buffalo skips plugins only if GO_ENV is test.
func loadPlugins(cfg config.Config) error {
	if cfg.Env == config.Development {
		return nil
	}
	before, had := os.LookupEnv("GO_ENV")
	if err := os.Setenv("GO_ENV", config.Test); err != nil {
		return fmt.Errorf("skip plugins: %w", err)
	}
	err := buffalo.LoadPlugins() // loads nothing; later calls do nothing
	if had {
		return errors.Join(err, os.Setenv("GO_ENV", before))
	}
	return errors.Join(err, os.Unsetenv("GO_ENV"))
}
