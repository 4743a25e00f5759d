// Package actions is the web app: its options, its middleware, its one table
// of routes, and a file for each resource.
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
	"github.com/latchkey/latchkey/locales"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
	"github.com/latchkey/latchkey/signin"
)

// app is what the handlers share. Nothing in it changes after New.
type app struct {
	cfg     config.Config
	db      *pop.Connection
	store   *sessionstore.Store
	flow    *signin.Flow
	limits  limits
	figures *figuresCache
	log     *slog.Logger
	pages   pages
	ready   readiness
	origin  *http.CrossOriginProtection
	router  *mux.Router
}

// New returns the Buffalo app over an open, migrated database. Handler puts
// around it what belongs to every response. It fails when an embedded file is
// broken.
func New(cfg config.Config, db *pop.Connection, store *sessionstore.Store, log *slog.Logger) (*buffalo.App, error) {
	texts, err := newTexts(locales.FS())
	if err != nil {
		return nil, err
	}
	if err := loadPlugins(cfg); err != nil {
		return nil, err
	}
	flow, err := signin.New(cfg.Providers, signin.Options{
		Secrets:  cfg.Session.Secrets,
		MaxAge:   max(cfg.Session.Lifetime, cfg.Session.RememberLifetime),
		Once:     models.NewSpent(db),
		Insecure: !cfg.Secure(),
	})
	if err != nil {
		return nil, err
	}
	a := &app{cfg: cfg, db: db, store: store, flow: flow, limits: newLimits(), figures: &figuresCache{db: db, store: store, log: log}, log: log, pages: newPages(cfg, texts)}
	a.pages.label = a.labelOf
	a.origin = http.NewCrossOriginProtection()
	if cfg.Host.Host != "" {
		if err := a.origin.AddTrustedOrigin(cfg.Host.String()); err != nil {
			return nil, fmt.Errorf("HOST: %w", err)
		}
	}
	b := buffalo.New(buffalo.Options{
		Env:            cfg.Env,
		Addr:           cfg.Addr,
		Host:           cfg.Host.String(),
		Logger:         buffaloLogger(log),
		SessionStore:   store,
		SessionName:    cfg.CookieName(),
		MethodOverride: methodOverride,
		WorkerOff:      true,
	})
	a.origin.AddInsecureBypassPattern("POST /auth/{provider}/callback/{$}") // as Buffalo spells it; it reads no cookie: see postedAuth
	a.router = b.Muxer()
	a.handleErrors(b)
	b.Middleware.Remove(buffalo.RequestLogger) // Handler logs, static files too
	b.Use(refuseLargeBody, a.refuseCrossOrigin, sessionmw.Require, a.identify, texts.Middleware())
	a.routes(b)
	return b, nil
}

// loadPlugins lets Buffalo start its plugins in development only. It would
// otherwise run what it finds in ./plugins and $GOPATH/bin, and write into the
// home folder, wherever the app runs; only GO_ENV=test keeps it from that.
func loadPlugins(cfg config.Config) error {
	if cfg.Env == config.Development {
		return nil
	}
	before, had := os.LookupEnv("GO_ENV")
	if err := os.Setenv("GO_ENV", config.Test); err != nil {
		return fmt.Errorf("keep plugins out: %w", err)
	}
	err := buffalo.LoadPlugins() // does nothing, and nothing ever after
	if had {
		return errors.Join(err, os.Setenv("GO_ENV", before))
	}
	return errors.Join(err, os.Unsetenv("GO_ENV"))
}

// routes is the one table of what the app answers.
func (a *app) routes(b *buffalo.App) {
	b.GET("/", a.home)

	// Signing in and out
	b.GET("/signin", a.newSession)
	b.GET("/auth/bypass", a.bypass)
	b.POST("/auth/bypass", a.bypass)
	b.POST("/auth/{provider}", a.limitSignIns(a.refuseTokens(a.startAuth)))
	b.GET("/auth/{provider}/callback", a.refuseTokens(a.finishAuth))
	b.POST("/auth/{provider}/callback", a.postedAuth)
	b.POST("/auth/{provider}/backchannel-logout", a.backchannelLogout)
	b.GET("/session", a.showSession)
	b.DELETE("/session", a.destroySession)

	// My sessions, and what happened to my account
	b.GET("/sessions", a.listSessions)
	b.DELETE("/sessions", a.destroySessions)
	b.DELETE("/sessions/{sid}", a.destroyOneSession)
	b.GET("/events", a.listEvents)

	// My account
	b.GET("/account", a.showAccount)
	b.PATCH("/account", a.renameAccount)
	b.DELETE("/identities/{id}", a.unlink)
	b.POST("/tokens", a.createToken)

	// Administration
	b.GET("/admin", a.forAdmins(a.showAdmin))
	b.GET("/admin/sessions", a.forAdmins(a.searchSessions))
	b.DELETE("/admin/sessions", a.forAdmins(a.destroyFoundSessions))
	b.GET("/admin/sessions/end", a.forAdmins(a.confirmEnd))
	b.DELETE("/admin/sessions/{sid}", a.forAdmins(a.destroyFoundSession))
	b.GET("/admin/users", a.forAdmins(a.listUsers))
	b.GET("/admin/users/{id}", a.forAdmins(a.showUser))
	b.PATCH("/admin/users/{id}", a.forAdmins(a.changeUser))

	// The API's document, and a page to try it
	b.GET("/openapi.yaml", a.openAPI)
	b.GET("/docs", a.docs)

	// For the machines that look after the app
	b.GET("/healthz", a.healthz)
	b.GET("/readyz", a.readyz)
	b.Middleware.Skip(sessionmw.Require, a.healthz, a.readyz, a.openAPI)
	b.Middleware.Skip(a.identify, a.healthz, a.readyz, a.openAPI)
}
