package command

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gomod"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/record"
)

const undoCommand = "buffalo-latchkey latchkey --undo"

// latchkey puts the session store into the app, or takes it out.
func latchkey(ctx context.Context, args []string, s Streams) error {
	set, err := parse(args, s.Err)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ask := newPrompt(ctx, s, set.yes)
	if set.undo {
		return undo(set, ask, s)
	}
	plan, modules, err := prepare(ctx, set, ask)
	if err != nil {
		return err
	}
	return offer(ctx, set, plan, modules, ask, s)
}

// prepare works out all changes. It writes nothing.
func prepare(ctx context.Context, set settings, ask *prompt) (*install.Plan, *gomod.Result, error) {
	app, err := buffaloapp.Read(set.root)
	if err != nil {
		return nil, nil, err
	}
	require, err := target(set.store)
	if err != nil {
		return nil, nil, err
	}
	plan, err := install.Make(app, options(set, require.Version, ask))
	if err != nil {
		return nil, nil, err
	}
	modules, err := gomod.Resolve(ctx, gomod.App{Root: set.root, Tags: plan.Tags, Files: plan.GoFiles()}, require)
	if err != nil {
		return nil, nil, fmt.Errorf("nothing was changed: require %s: %w", buffaloapp.StoreModule, err)
	}
	plan.Changes = append(plan.Changes, moduleChanges(modules)...)
	return plan, modules, noteGo(plan, app, modules)
}

func options(set settings, version string, ask *prompt) install.Options {
	now := time.Now()
	opts := install.Options{
		UserKey: set.userKey, Choose: ask.userKey, KeepCSRF: set.keepCSRF,
		NewSecret: set.newSecret, Version: version, Now: now, Random: rand.Reader,
	}
	if version == "" {
		opts.Version = install.Latest
	}
	if !set.noAdopt {
		opts.AdoptUntil = now.UTC().AddDate(0, 0, set.adoptDays)
	}
	return opts
}

func moduleChanges(m *gomod.Result) []install.Change {
	var changes []install.Change
	if m.ModBefore != m.ModAfter {
		changes = append(changes, install.Change{Path: "go.mod", Before: m.ModBefore, After: m.ModAfter, Exists: true})
	}
	if m.SumBefore != m.SumAfter {
		changes = append(changes, install.Change{Path: "go.sum", Before: m.SumBefore, After: m.SumAfter, Exists: m.SumBefore != ""})
	}
	return changes
}

// offer shows the changes, asks, writes them and builds the app.
func offer(ctx context.Context, set settings, plan *install.Plan, modules *gomod.Result, ask *prompt, s Streams) error {
	if len(plan.Changes) == 0 {
		fmt.Fprintln(s.Out, "Nothing to change: the app keeps its sessions in the database already.")
		printNotes(s.Out, plan.Notes)
		printManual(s.Out, plan.Manual)
		return nil
	}
	printDiff(s.Out, plan.Changes)
	printModules(s.Out, modules)
	printNotes(s.Out, plan.Notes)
	if set.dryRun {
		printManual(s.Out, plan.Manual)
		fmt.Fprintln(s.Out, "\nNothing was changed (--dry-run).")
		return nil
	}
	if !ask.confirm("Apply these changes?") {
		fmt.Fprintln(s.Out, "Nothing was changed. To apply the changes without a question, use --yes.")
		return nil
	}
	rec, err := record.Read(set.root)
	if err != nil {
		return err
	}
	if err := rec.Apply(set.root, version(), plan.Changes); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "\nChanged %d files. To take everything back: %s\n", len(plan.Changes), undoCommand)
	printManual(s.Out, plan.Manual)
	if !set.skipBuild {
		if err := build(ctx, set.root, plan, s); err != nil {
			return err
		}
	}
	printNext(s.Out, plan.Next)
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
