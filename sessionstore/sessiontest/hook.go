package sessiontest

import (
	"net/http"
	"sync/atomic"

	"github.com/gobuffalo/buffalo"
)

// A hook has the requests to an app pass through the browser of the current test. It
// is around the app's middleware and error handlers: Buffalo has no such place, but
// its router does.
type hook struct {
	browser  atomic.Pointer[browser] // nil between tests
	notFound http.Handler            // of the app
}

// hookInto returns the hook of an app, which stays in it.
func hookInto(app *buffalo.App) *hook {
	router := app.Muxer()
	if h, ok := router.NotFoundHandler.(*hook); ok {
		return h
	}
	h := &hook{notFound: router.NotFoundHandler}
	router.Use(h.around)
	router.NotFoundHandler = h // the router calls it without its middleware
	return h
}

// around is middleware for all routes of the app.
func (h *hook) around(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.serve(w, r, app)
	})
}

// ServeHTTP answers a request that no route matches.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, h.notFound)
}

func (h *hook) serve(w http.ResponseWriter, r *http.Request, app http.Handler) {
	if b := h.browser.Load(); b != nil {
		b.serve(w, r, app)
		return
	}
	app.ServeHTTP(w, r)
}
