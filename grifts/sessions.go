package grifts

import (
	"errors"
	"fmt"
	"net/http"
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

// cleanupStep is how many sessions are deleted between two looks at the progress.
const cleanupStep = 1000

func cleanupSessions(t tools) error {
	if err := models.NewSpent(t.db).Forget(t.ctx); err != nil {
		return err
	}
	deleted, err := t.deleteExpired(newSpinner())
	if err != nil {
		return fmt.Errorf("%d deleted, then: %w", deleted, err)
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

// deleteExpired deletes all expired sessions and returns how many.
func (t tools) deleteExpired(progress *progressbar.ProgressBar) (deleted int, err error) {
	for {
		n, err := t.store.Cleanup(t.ctx, cleanupStep)
		deleted += n
		if err != nil || n < cleanupStep {
			return deleted, err
		}
		if err := progress.Add(n); err != nil {
			return deleted, fmt.Errorf("draw progress: %w", err)
		}
	}
}

// newSpinner counts what was deleted, on a terminal only.
func newSpinner() *progressbar.ProgressBar {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return progressbar.Default(-1, "Deleting expired sessions")
	}
	return progressbar.DefaultSilent(-1)
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
		fmt.Fprintf(w, "(the newest %d; there may be more)\n", listLimit)
	}
	return w.Flush()
}

// sessions returns the live sessions of the user that the first argument names,
// and everybody's without one.
func (t tools) sessions() ([]sessionstore.Record, error) {
	filter := sessionstore.Filter{AnyUser: true}
	if len(t.args) > 0 {
		userID, err := t.userID(t.args[0])
		if err != nil {
			return nil, err
		}
		filter = sessionstore.Filter{UserID: userID}
	}
	records, _, err := t.store.List(t.ctx, filter, "", listLimit)
	return records, err
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
	sid, _, isCookie := strings.Cut(given, ".")
	record, values, err := t.store.Inspect(t.ctx, sid)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return errNoSession
	}
	if err != nil && values == nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	if isCookie {
		accepted, err := t.accepts(given)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "cookie\t%s\n", signature(accepted))
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

// accepts reports whether the app would find a session by a cookie.
func (t tools) accepts(cookie string) (bool, error) {
	const name = "session" // the store takes any
	r, err := http.NewRequestWithContext(t.ctx, http.MethodGet, "/", nil)
	if err != nil {
		return false, err
	}
	r.AddCookie(&http.Cookie{Name: name, Value: cookie})
	return t.store.Alive(r, name)
}

func signature(accepted bool) string {
	if accepted {
		return "valid: signs its user in"
	}
	return "NOT valid: anonymous, damaged, or signed with another SESSION_SECRET"
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
