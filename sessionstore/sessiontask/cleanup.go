package sessiontask

import (
	"context"
	"errors"
	"fmt"
)

// cleanupStep is how many sessions are deleted between two calls of Deleted.
const cleanupStep = 1000

// Cleanup deletes all expired sessions, in small batches. It takes no arguments.
func (t Tasks) Cleanup(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return errors.New("sessions:cleanup takes no arguments: it deletes all expired sessions; to revoke live ones, use sessions:revoke")
	}
	deleted, err := t.deleteExpired(ctx)
	if err != nil {
		return fmt.Errorf("%s deleted, then: %w", count(deleted, "expired session"), err)
	}
	_, err = fmt.Fprintf(t.out(), "%s deleted\n", count(deleted, "expired session"))
	return err
}

// deleteExpired deletes all expired sessions and returns how many.
func (t Tasks) deleteExpired(ctx context.Context) (deleted int64, err error) {
	for {
		n, err := t.Store.Cleanup(ctx, cleanupStep)
		deleted += int64(n)
		if t.Deleted != nil && n > 0 {
			t.Deleted(n)
		}
		if err != nil || n < cleanupStep {
			return deleted, err
		}
	}
}
