package sessiontask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/latchkey/latchkey/sessionstore"
)

// Errors do not repeat what was given, because that may be a cookie.
var (
	errShowUsage = errors.New("usage: sessions:show SID, or sessions:show COOKIE with the value of a session cookie")
	errNoSession = errors.New("no live session has that SID: it expired, was revoked, or never existed; sessions:list lists the live ones")
)

// Show prints a session and its values. The one argument is the SID, or the value of
// the cookie, with or without the cookie's name; it then says whether the cookie is
// valid.
func (t Tasks) Show(ctx context.Context, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return errShowUsage
	}
	sid, isCookie := sidOf(args[0])
	record, values, err := t.Store.Inspect(ctx, sid)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return errNoSession
	}
	if err != nil && values == nil {
		return err
	}
	w := newTable(t.out())
	if isCookie {
		state, err := t.cookieState(ctx, withoutName(args[0]), record)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "cookie\t%s\n", state)
	}
	printRecord(w, record)
	printValues(w, values)
	return errors.Join(w.Flush(), err)
}

// sidOf returns the SID of an argument, and whether that is the value of a cookie,
// of which nothing else is used.
func sidOf(arg string) (sid string, isCookie bool) {
	sid, _, isCookie = strings.Cut(withoutName(arg), ".")
	return sid, isCookie
}

// withoutName removes the name of a cookie that was copied from a browser, as in
// "session=...".
func withoutName(cookie string) string {
	return cookie[strings.LastIndex(cookie, "=")+1:]
}

// cookieState says whether the app accepts a cookie as proof of the session.
func (t Tasks) cookieState(ctx context.Context, cookie string, record sessionstore.Record) (string, error) {
	if record.UserID == "" {
		return "not checked: the session is anonymous", nil
	}
	const name = "session" // the store accepts any
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return "", err
	}
	r.AddCookie(&http.Cookie{Name: name, Value: cookie})
	valid, err := t.Store.Alive(r, name)
	if err != nil {
		return "", err
	}
	if !valid {
		return "NOT valid: it is damaged, or signed with another secret", nil
	}
	return "valid: signs its user in", nil
}

func printRecord(w *tabwriter.Writer, r sessionstore.Record) {
	for _, line := range [][2]string{
		{"sid", printable(r.SID)},
		{"user_id", orDash(r.UserID)},
		{"auth_method", orDash(r.AuthMethod)},
		{"authenticated_at", timeOrDash(r.AuthenticatedAt)},
		{"created_at", timeOrDash(r.CreatedAt)},
		{"last_seen_at", timeOrDash(r.LastSeenAt)},
		{"expires_at", timeOrDash(r.ExpiresAt)},
		{"remembered", yesOrDash(r.Remembered)},
		{"label", orDash(r.Label)},
		{"ip", orDash(r.IP)},
		{"user_agent", orDash(r.UserAgent)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
}

// printValues prints the values with their types, sorted by their keys.
func printValues(w *tabwriter.Writer, values map[any]any) {
	lines := make([]string, 0, len(values))
	for k, v := range values {
		text := fmt.Sprint(v)
		if b, ok := v.([]byte); ok { // as Buffalo stores flash messages
			text = string(b)
		}
		lines = append(lines, fmt.Sprintf("data[%s]\t%T %q\n", printable(fmt.Sprint(k)), v, text))
	}
	slices.Sort(lines)
	fmt.Fprint(w, strings.Join(lines, ""))
}
