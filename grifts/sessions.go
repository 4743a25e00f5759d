package grifts

import (
	"errors"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore/sessiontask"
)

// sessions returns the tasks for sessions, which know users by their usernames.
func (t tools) sessions() sessiontask.Tasks {
	usernames := func(ids []string) (map[string]string, error) { return models.UsernamesOf(t.db, ids) }
	return sessiontask.Tasks{Store: t.store, UserID: t.userID, UserNames: usernames, Out: t.out}
}

func listSessions(t tools) error { return t.sessions().List(t.ctx, t.args) }

func showSession(t tools) error { return t.sessions().Show(t.ctx, t.args) }

func revokeSessions(t tools) error { return t.sessions().Revoke(t.ctx, t.args) }

// cleanupSessions also deletes the rows of the replay guard, and records an event.
func cleanupSessions(t tools) error {
	if err := models.NewReplayGuard(t.db).DeleteExpired(t.ctx); err != nil {
		return err
	}
	var deleted int
	progress := newSpinner()
	tasks := t.sessions()
	tasks.Deleted = func(n int) {
		deleted += n
		_ = progress.Add(n) // failing to draw must not stop the cleanup
	}
	err := tasks.Cleanup(t.ctx, t.args)
	return errors.Join(err, t.recordExpired(deleted))
}

func (t tools) recordExpired(n int) error {
	if n == 0 {
		return nil
	}
	return models.RecordEvent(t.db, models.NewSessionEvent("", models.Expired, int64(n)))
}

// newSpinner shows how many sessions were deleted, on a terminal only. Without the
// interval of 0, the library also draws in a goroutine, which races with Add.
func newSpinner() *progressbar.ProgressBar {
	return progressbar.NewOptions(-1,
		progressbar.OptionSetDescription("Deleting expired sessions"),
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionShowCount(),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionThrottle(65*time.Millisecond),
	)
}
