package grifts

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// listLimit is more than anybody reads.
const listLimit = 1000

func cleanupSessions(t tools) error {
	total, err := t.store.CountExpired(t.ctx)
	if err != nil {
		return err
	}
	if err := models.NewSpent(t.db).Forget(t.ctx); err != nil {
		return err
	}
	bar := newBar(total)
	var drawErr error
	deleted, err := t.store.CleanupAll(t.ctx, func(deleted int) {
		// More may expire while this runs than the bar knows of.
		drawErr = errors.Join(drawErr, bar.Set64(min(int64(deleted), bar.GetMax64())))
	})
	if err != nil {
		return fmt.Errorf("%d deleted, then: %w", deleted, err)
	}
	if drawErr != nil {
		return fmt.Errorf("draw progress: %w", drawErr)
	}
	if deleted > 0 {
		event := models.Event{Kind: models.SessionEnded, Detail: models.EndedByTime, Sessions: int64(deleted)}
		if err := models.RecordEvent(t.db, event); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(t.out, "%d expired sessions deleted\n", deleted)
	return err
}

// newBar draws on a terminal only. It cannot show the progress of nothing.
func newBar(total int64) *progressbar.ProgressBar {
	if total > 0 && term.IsTerminal(int(os.Stderr.Fd())) {
		return progressbar.Default(total, "Deleting expired sessions")
	}
	return progressbar.DefaultSilent(max(total, 1))
}

func listSessions(t tools) error {
	records, err := t.sessions()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SID\tUSER\tMETHOD\tREMEMBERED\tLAST SEEN\tEXPIRES\tIP")
	for _, r := range records {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.SID, orDash(r.UserID), orDash(r.AuthMethod), yesOrDash(r.Remembered), stamp(r.LastSeenAt), stamp(r.ExpiresAt), r.IP)
	}
	if len(records) == listLimit {
		fmt.Fprintf(w, "(the %d used last; there may be more)\n", listLimit)
	}
	return w.Flush()
}

// sessions returns the live sessions of the user that the first argument names,
// and everybody's without one.
func (t tools) sessions() ([]sessionstore.Record, error) {
	if len(t.args) == 0 {
		return t.store.ListAll(t.ctx, listLimit)
	}
	userID, err := t.userID(t.args[0])
	if err != nil {
		return nil, err
	}
	return t.store.List(t.ctx, userID, listLimit)
}

// userID finds a user by name, who may be disabled.
func (t tools) userID(username string) (string, error) {
	user, err := models.LookUpUser(t.db, username)
	if err != nil {
		return "", fmt.Errorf("%s: %w", username, err)
	}
	return user.ID.String(), nil
}

// showSession finds the row of a cookie or a sid. The cookie's secret is never
// printed.
func showSession(t tools) error {
	given, err := t.arg("the session's cookie, or its sid")
	if err != nil {
		return err
	}
	given = withoutName(given)
	record, values, err := t.store.Find(t.ctx, given)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return errNoSession
	}
	if err != nil && values == nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	if strings.Contains(given, ".") {
		fmt.Fprintf(w, "cookie\t%s\n", signature(t.store.Verify(given)))
	}
	printRecord(w, record)
	printValues(w, values)
	return errors.Join(err, w.Flush())
}

// errNoSession does not repeat what was given: that may be a cookie.
var errNoSession = errors.New("no live session has that sid: it expired, ended, or never was")

// withoutName takes the name off a cookie that was copied from a browser, as
// in "session=...".
func withoutName(cookie string) string {
	return cookie[strings.LastIndex(cookie, "=")+1:]
}

func signature(ok bool) string {
	if ok {
		return "signed with this SESSION_SECRET"
	}
	return "NOT signed with this SESSION_SECRET: the app takes it for nobody's"
}

func printRecord(w *tabwriter.Writer, r sessionstore.Record) {
	fmt.Fprintf(w, "sid\t%s\nuser_id\t%s\nauth_method\t%s\n", r.SID, orDash(r.UserID), orDash(r.AuthMethod))
	fmt.Fprintf(w, "authenticated_at\t%s\ncreated_at\t%s\n", stamp(r.AuthenticatedAt), stamp(r.CreatedAt))
	fmt.Fprintf(w, "last_seen_at\t%s\nexpires_at\t%s\n", stamp(r.LastSeenAt), stamp(r.ExpiresAt))
	fmt.Fprintf(w, "remembered\t%s\nlabel\t%s\n", yesOrDash(r.Remembered), orDash(r.Label))
	fmt.Fprintf(w, "ip\t%s\nuser_agent\t%s\n", r.IP, r.UserAgent)
}

func printValues(w *tabwriter.Writer, values map[any]any) {
	lines := make([]string, 0, len(values))
	for k, v := range values {
		lines = append(lines, fmt.Sprintf("data[%v]\t%T %q\n", k, v, fmt.Sprint(v)))
	}
	slices.Sort(lines)
	fmt.Fprint(w, strings.Join(lines, ""))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesOrDash(yes bool) string {
	if yes {
		return "yes"
	}
	return "-"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
