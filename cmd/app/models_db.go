package main

import (
	"os"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/models"
)

// `buffalo build` renames our main and compiles one of its own into this
// package (so the names migrate and printVersion are taken). Its command
// migrate works on models.DB, which it expects to be there before main.
func init() {
	if len(os.Args) < 2 || os.Args[1] != "migrate" {
		return
	}
	cfg, err := config.Load()
	if err == nil {
		models.DB, err = pop.NewConnection(cfg.Database)
	}
	if err != nil {
		fail(err)
	}
}
