package sessionmw

import (
	"context"
	"fmt"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/buffalo/servers"

	"github.com/latchkey/latchkey/sessionstore"
)

// Serve calls app.Serve, and runs the background work of the app's session store meanwhile;
// see [sessionstore.Store.Run]. It returns when the servers have stopped and that work is
// finished. It returns the error of app.Serve, or an error if the app uses another session
// store.
func Serve(app *buffalo.App, srvs ...servers.Server) error {
	store, ok := app.SessionStore.(*sessionstore.Store)
	if !ok {
		return fmt.Errorf("sessionmw.Serve: the app's session store is a %T: set buffalo.Options.SessionStore to the store that sessionstore.New returned", app.SessionStore)
	}
	stop := run(store)
	defer stop() // after the last request
	return app.Serve(srvs...)
}

// run starts store.Run and returns a function that stops it and waits for it.
func run(store *sessionstore.Store) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		store.Run(ctx)
	}()
	return func() {
		cancel()
		<-stopped
	}
}
