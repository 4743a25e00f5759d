package actions

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gobuffalo/buffalo"
	"github.com/klauspost/compress/gzhttp"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

const (
	// maxBody is the largest request body, in bytes. All forms are far smaller.
	maxBody = 1 << 20
	// requestTimeout is longer than any request takes while the database works.
	requestTimeout = 10 * time.Second
)

// routes is the table of all routes but two, which are in Handler.
func (a *app) routes(b *buffalo.App) {
	b.GET("/", a.home)

	// Signing in and out. What is wrapped in browsersOnly is refused with an access
	// token.
	b.GET("/signin", a.showSignIn)
	b.GET("/auth/bypass", a.bypassOnly(a.browsersOnly(a.bypass)))
	b.POST("/auth/bypass", a.bypassOnly(a.browsersOnly(a.bypass)))
	b.POST("/auth/{provider}", a.limitSignIns(a.browsersOnly(a.startAuth)))
	b.GET("/auth/{provider}/callback", a.browsersOnly(a.finishAuth))
	b.POST("/auth/{provider}/callback", a.postedAuth)
	b.POST("/auth/{provider}/backchannel-logout", a.backchannelLogout)
	b.GET("/session", a.usersOnly(a.showSession))
	b.DELETE("/session", a.signOut)

	// The current user's sessions and account. What is wrapped in recent needs a
	// recent sign-in.
	b.GET("/sessions", a.signedIn(a.listSessions))
	b.DELETE("/sessions", a.recent(a.revokeOtherSessions))
	b.GET("/sessions/{sid}", a.signedIn(a.showOneSession))
	b.DELETE("/sessions/{sid}", a.signOutOfCurrent(a.recent(a.revokeSession)))
	b.GET("/events", a.signedIn(a.listEvents))
	b.GET("/account", a.signedIn(a.showAccount))
	b.PATCH("/account", a.usersOnly(a.limitChanges(a.renameAccount)))
	b.DELETE("/identities/{id}", a.recent(a.unlink))
	b.POST("/tokens", a.recentOn("/account", a.limitChanges(a.createToken)))

	// Administration
	b.GET("/admin", a.adminsOnly(a.showDashboard))
	b.GET("/admin/sessions", a.adminsOnly(a.searchSessions))
	b.DELETE("/admin/sessions", a.adminsOnly(a.recent(a.revokeFoundSessions)))
	b.GET("/admin/sessions/end", a.adminsOnly(a.confirmRevoke))
	b.DELETE("/admin/sessions/{sid}", a.adminsOnly(a.recent(a.revokeFoundSession)))
	b.GET("/admin/users", a.adminsOnly(a.listUsers))
	b.GET("/admin/users/{id}", a.adminsOnly(a.showUser))
	b.GET("/admin/users/{id}/events", a.adminsOnly(a.listUserEvents))
	b.PATCH("/admin/users/{id}", a.adminsOnly(a.recent(a.changeUser)))

	// The API's document, and a page to try it
	b.GET("/openapi.yaml", a.openAPI)
	b.GET("/docs", a.docs)

	// For monitoring. These work without the session, and so without its database.
	b.GET("/healthz", a.healthz)
	b.GET("/readyz", a.readyz)
	b.Middleware.Skip(sessionmw.Require, a.healthz, a.readyz, a.openAPI)
	b.Middleware.Skip(a.identify, a.healthz, a.readyz, a.openAPI)
}

// Handler wraps the app in what every response needs, also those of static files
// and errors. It has two routes of its own, which must not load the session as
// Buffalo does: static files, and the check that open pages use.
func Handler(cfg config.Config, b *buffalo.App, log *slog.Logger) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "application/yaml", "application/json", "application/problem+json", "image/svg+xml"}))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	pages := web.NoStore(web.LimitBody(maxBody, b))
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle("GET /assets/", serveAssets(pages))
	if store, ok := b.SessionStore.(*sessionstore.Store); ok {
		mux.Handle("GET "+alivePath, web.NoStore(serveAlive(cfg, store, log)))
	}

	// The last one here is the first to see a request.
	h := web.HeadAsGet(mux)
	h = web.WithDeadline(requestTimeout, h)
	h = compress(h)
	h = web.SecurityHeaders(cfg.Secure(), h)
	h = web.LogRequests(log, logLevel, h)
	h = web.WithClientIP(cfg.TrustedProxies, h)
	return web.WithRequestID(h), nil
}

// logLevel hides the checks of open pages, which come every few seconds, at the
// default log level.
func logLevel(path string, status int) slog.Level {
	if path == alivePath && status == http.StatusNoContent {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
