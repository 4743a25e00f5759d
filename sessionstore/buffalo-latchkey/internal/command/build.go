package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

// build compiles the whole app without keeping the result. If only packages fail
// that have nothing to do with sessions, it warns and returns nil.
func build(ctx context.Context, root string, plan *install.Plan, s Streams) error {
	fmt.Fprintln(s.Out, "\nBuilding the app…")
	out, err := compile(ctx, root, plan, "./...")
	if err == nil {
		fmt.Fprintln(s.Out, "The app builds.")
		return nil
	}
	own, err := compile(ctx, root, plan, plan.Packages...)
	if err != nil {
		return fmt.Errorf("the app does not build (%w):\n\n%s\nMend this, or take everything back: %s", err, own, undoCommand)
	}
	fmt.Fprintf(s.Out, "The packages that changed build. Others do not, and the changes do not reach them:\n\n%s", out)
	return nil
}

func compile(ctx context.Context, root string, plan *install.Plan, packages ...string) ([]byte, error) {
	args := []string{"build", "-o", os.DevNull}
	if plan.Tags != "" {
		args = append(args, "-tags="+plan.Tags)
	}
	if exists(filepath.Join(root, vendorList)) {
		args = append(args, "-mod=mod")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}
