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
	if err := setModelsDB(os.Args[2:]); err != nil {
		fail(err)
	}
}

func setModelsDB(args []string) error {
	if _, err := parseMigrate(args); err != nil {
		return err
	}
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	models.DB, err = pop.NewConnection(cfg.Database)
	return err
}
