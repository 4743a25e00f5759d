package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/record"
)

// undo takes back what all earlier runs changed.
func undo(set settings, ask *prompt, s Streams) error {
	rec, err := record.Read(set.root)
	if err != nil {
		return err
	}
	if len(rec.Runs) == 0 {
		return errors.New("there is nothing to take back: this folder has no " + record.Name)
	}
	reversals, left, err := rec.Undo(set.root)
	if err != nil {
		return err
	}
	printReversals(s, reversals)
	printLeft(s, left)
	if set.dryRun {
		fmt.Fprintln(s.Out, "\nNothing was changed (--dry-run).")
		return nil
	}
	if !ask.confirm("Take these changes back?") {
		fmt.Fprintln(s.Out, "Nothing was changed.")
		return nil
	}
	if err := rec.Perform(set.root, reversals); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "\nTook back the changes to %d files. If you ran the migration, the table sessions is still there. To drop it: DROP TABLE sessions\n", len(reversals))
	if exists(filepath.Join(set.root, vendorList)) {
		printNext(s.Out, []string{vendorStep})
	}
	return nil
}

func printReversals(s Streams, reversals []record.Reversal) {
	for _, r := range reversals {
		before, after, newName := r.Before, r.After, "b/"+r.Path
		if r.Remove {
			after, newName = "", ""
		}
		if r.Secret {
			before, after = install.MaskEnv(before), install.MaskEnv(after)
		}
		printFile(s.Out, "a/"+r.Path, newName, before, after)
	}
}

func printLeft(s Streams, left []record.Leftover) {
	if len(left) > 0 {
		fmt.Fprintln(s.Out, "\nThis cannot be taken back:")
	}
	for _, l := range left {
		fmt.Fprintf(s.Out, "- %s: %s\n", l.Path, l.Why)
		if l.Hunk != nil {
			printLines(s, "  -", l.Hunk.After)
			printLines(s, "  +", l.Hunk.Before)
		}
	}
}

func printLines(s Streams, prefix string, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(s.Out, prefix+install.MaskCode(strings.TrimRight(line, "\r\n")))
	}
}
