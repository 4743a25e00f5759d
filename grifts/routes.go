package grifts

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/grift/grift"

	"github.com/latchkey/latchkey/actions"
	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// listRoutes is also what `buffalo routes` runs, by the name of the task.
func listRoutes(*grift.Context) (err error) {
	routes, err := appRoutes()
	if err != nil {
		return err
	}
	return printRoutes(os.Stdout, routes)
}

// appRoutes returns the routes of the app, which it creates on an empty database in
// memory.
func appRoutes() (buffalo.RouteList, error) {
	cfg, err := config.Load()
	if err != nil {
		return nil, err
	}
	cfg.Env = config.Test // in which Buffalo starts no plugins
	details, err := config.DatabaseAt("sqlite3://:memory:")
	if err != nil {
		return nil, err
	}
	db, err := models.Open(details)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	store, err := sessionstore.New(db, sessions.Options(cfg))
	if err != nil {
		return nil, err
	}
	app, err := actions.New(cfg, db, store, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return app.Routes(), nil
}

func printRoutes(out io.Writer, routes buffalo.RouteList) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "METHOD\tPATH\tNAME")
	for _, r := range routes {
		path := "/" + strings.Trim(r.Path, "/") // Buffalo adds a slash at the end
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Method, path, r.PathName)
	}
	return w.Flush()
}
