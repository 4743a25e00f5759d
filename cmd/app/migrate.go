package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/database"
	"github.com/latchkey/latchkey/internal/schema"
)

// migrateDatabase is not called migrate, because `buffalo build` adds a function of that
// name.
func migrateDatabase(ctx context.Context, args []string, out io.Writer) error {
	migrate, err := parseMigrate(args)
	if err != nil {
		return err
	}
	cfg, err := config.Load()
	if err != nil {
		return err
	}
	setLogger(cfg)
	conn, err := database.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	return migrate(ctx, conn, out)
}

type migration func(ctx context.Context, conn *pop.Connection, out io.Writer) error

// parseMigrate returns what the arguments ask for.
func parseMigrate(args []string) (migration, error) {
	if len(args) == 0 {
		return migrateUp, nil
	}
	direction, rest := args[0], args[1:]
	switch {
	case direction == "down":
		return parseDown(rest)
	case direction != "up" && direction != "status":
		return nil, fmt.Errorf("migrate: unknown argument %q, must be up, down or status; for example app migrate status", direction)
	case len(rest) > 0:
		return nil, fmt.Errorf("migrate %s takes no arguments, got %q; for example app migrate %s", direction, rest, direction)
	case direction == "up":
		return migrateUp, nil
	}
	return func(_ context.Context, conn *pop.Connection, out io.Writer) error { return schema.Status(conn, out) }, nil
}

func parseDown(args []string) (migration, error) {
	steps := 1
	if len(args) > 0 {
		var err error
		if steps, err = strconv.Atoi(args[0]); err != nil || steps < 1 || len(args) > 1 {
			return nil, fmt.Errorf("migrate down: invalid number of migrations %q, must be one number of 1 or more; for example app migrate down 2", args)
		}
	}
	return func(_ context.Context, conn *pop.Connection, _ io.Writer) error { return schema.Down(conn, steps) }, nil
}

func migrateUp(ctx context.Context, conn *pop.Connection, out io.Writer) error {
	n, err := schema.Up(ctx, conn)
	if err != nil {
		return err
	}
	noun := "migrations"
	if n == 1 {
		noun = "migration"
	}
	_, err = fmt.Fprintf(out, "%d %s applied\n", n, noun)
	return err
}
