package main

import (
	"os"
	"slices"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/grifts"
	"github.com/latchkey/latchkey/models"
)

// `buffalo build` replaces our main function by its own. The migrate command of that one
// uses models.DB, which must be set before main starts.
func init() {
	if len(os.Args) < 2 || os.Args[1] != "migrate" || slices.ContainsFunc(os.Args, grifts.IsHelp) {
		return
	}
	if _, err := parseMigrate(os.Args[2:]); err != nil {
		return // our main reports it
	}
	cfg, err := config.Load()
	if err == nil {
		models.DB, err = pop.NewConnection(cfg.Database)
	}
	if err != nil {
		fail(err)
	}
}
