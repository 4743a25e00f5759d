package command

import (
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gomod"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/textdiff"
)

// printDiff shows the changes. Of go.sum it only shows how many lines change.
func printDiff(out io.Writer, changes []install.Change) {
	for _, c := range changes {
		before, after := c.Before, c.After
		if c.Env != nil {
			before, after = install.MaskEnv(before), install.MaskEnv(after)
		}
		oldName := ""
		if c.Exists {
			oldName = "a/" + c.Path
		}
		printFile(out, oldName, "b/"+c.Path, before, after)
	}
}

func printFile(out io.Writer, oldName, newName, before, after string) {
	if strings.HasSuffix(newName, "go.sum") || strings.HasSuffix(oldName, "go.sum") {
		added, removed := countLines(before, after)
		fmt.Fprintf(out, "go.sum: %d lines added, %d removed\n", added, removed)
		return
	}
	diff := textdiff.Unified(oldName, newName, before, after)
	if path.Ext(newName) == ".go" || path.Ext(oldName) == ".go" {
		diff = install.MaskCode(diff)
	}
	fmt.Fprint(out, diff)
}

func countLines(before, after string) (added, removed int) {
	for _, line := range textdiff.Lines(before, after) {
		switch line.Op {
		case textdiff.Insert:
			added++
		case textdiff.Delete:
			removed++
		}
	}
	return added, removed
}

// printModules shows which modules move, and the requirement that moves them.
func printModules(out io.Writer, m *gomod.Result) {
	var added []string
	moved := 0
	for _, move := range m.Moves {
		if move.Before == "" {
			added = append(added, move.Module+" "+move.After)
			continue
		}
		if moved == 0 {
			fmt.Fprintln(out, "\nModules whose version changes:")
		}
		moved++
		fmt.Fprintf(out, "  %s %s → %s%s\n", move.Module, move.Before, move.After, why(move))
	}
	if m.ModBefore != m.ModAfter && moved == 0 {
		fmt.Fprintln(out, "\nNo module of the app changes its version.")
	}
	if len(added) > 0 {
		fmt.Fprintf(out, "New modules:\n  %s\n", strings.Join(added, "\n  "))
	}
}

// why names the module that asks for the version.
func why(move gomod.Move) string {
	if len(move.Why) < 2 {
		return ""
	}
	by := move.Why[len(move.Why)-2]
	if strings.HasPrefix(by, buffaloapp.StoreModule+"@") {
		return " (the store requires it)"
	}
	return " (required by " + by + ")"
}

func printNotes(out io.Writer, notes []string) {
	if len(notes) > 0 {
		fmt.Fprintln(out, "\nNotes:")
	}
	for _, note := range notes {
		fmt.Fprintf(out, "- %s\n", note)
	}
}

// printManual shows the edits that the owner has to make.
func printManual(out io.Writer, manual []install.Manual) {
	if len(manual) > 0 {
		fmt.Fprintln(out, "\nMake these edits yourself:")
	}
	for i, m := range manual {
		fmt.Fprintf(out, "\n%d. In %s (%s):\n\n    %s\n", i+1, m.Where, m.Why, strings.ReplaceAll(m.Lines, "\n", "\n    "))
	}
}

func printNext(out io.Writer, next []string) {
	if len(next) > 0 {
		fmt.Fprintln(out, "\nNext:")
	}
	for _, step := range next {
		fmt.Fprintf(out, "  %s\n", step)
	}
}

const (
	// vendorList is in the folder vendor of apps that keep their modules there.
	vendorList = "vendor/modules.txt"
	vendorStep = "go mod vendor    # updates the folder vendor"
)

// noteGo adds notes about the Go version and the folder vendor.
func noteGo(plan *install.Plan, app *buffaloapp.App, m *gomod.Result) error {
	if gomod.OlderGo(m.GoBefore, m.GoAfter) {
		plan.Notes = append(plan.Notes, fmt.Sprintf("go.mod asks for Go %s instead of %s, because the store needs it.%s", m.GoAfter, m.GoBefore, loops(m.GoBefore)))
		if err := noteBuilders(plan, app, m.GoAfter); err != nil {
			return err
		}
	}
	if m.ModBefore != m.ModAfter && app.Exists(vendorList) {
		plan.Next = append([]string{vendorStep}, plan.Next...)
	}
	return nil
}

var minorGo = regexp.MustCompile(`^1\.[0-9]+`)

// noteBuilders names the places that build the app with a Go that is too old for the
// new go.mod.
func noteBuilders(plan *install.Plan, app *buffaloapp.App, goVersion string) error {
	builders, err := app.Builders()
	if err != nil {
		return err
	}
	need := minorGo.FindString(goVersion)
	for _, b := range builders {
		switch {
		case !gomod.OlderGo(b.Go, need):
		case b.Buffalo:
			plan.Manual = append(plan.Manual, install.Manual{
				Where: b.Place + ", below the line " + b.Line,
				Why:   "this image has Go " + b.Go + ", and go.mod now asks for " + goVersion,
				Lines: "RUN rm -rf /usr/local/go\nCOPY --from=golang:" + need + " /usr/local/go /usr/local/go",
			})
		default:
			plan.Notes = append(plan.Notes, fmt.Sprintf("%s builds with Go %s (%s). Use %s or later there.", b.Place, b.Go, b.Line, need))
		}
	}
	return nil
}

// loops warns of the change in the language that old code may notice.
func loops(before string) string {
	if !gomod.OlderGo(before, "1.22") {
		return ""
	}
	return " Since Go 1.22 each round of a for loop has its own variable."
}
