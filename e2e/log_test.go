package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

// logLine matches a whole log line. It does not match one that starts with text from a
// client.
var logLine = regexp.MustCompile(`^(\{"time":.*\}|time=\d{4}-\d\d-\d\dT\S+ level=[A-Z]+ msg=.*)$`)

// TestLog_Lines checks that clients cannot forge log lines (ASVS 5.0 16.4.1).
func TestLog_Lines(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=" + format, "LOG_LEVEL=debug"}})
			client := app.Client(t)
			for _, breakLine := range []string{"%0d%0a", "%0a", "%0d", "%c2%85", "%e2%80%a8", "%00", "%1b[2K", `%22%0a`} {
				client.JSON(http.MethodGet, "/x"+breakLine+"FORGED", nil)
				client.JSON(http.MethodGet, "/?x="+breakLine+"FORGED", nil)
				client.JSON(http.MethodGet, "/auth/bypass?token=x"+breakLine+"FORGED", nil)
				client.HTML(http.MethodGet, "/auth/bypass?token=admin"+breakLine+"FORGED", nil)
			}
			sendRaw(t, app, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a\rFORGED\r\n\r\n")
			sendRaw(t, app, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a\r\n FORGED\r\n\r\n")
			sendRaw(t, app, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a\nFORGED: b\r\n\r\n")
			sendRaw(t, app, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xc2\x85FORGED\x0bFORGED\r\n\r\n")
			app.Stop(t)
			wantLines(t, app.Log())
		})
	}
}

func sendRaw(t *testing.T, app *testapp.App, request string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(app.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, request); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // wait for the response
		t.Errorf("no response to %q: %v", request, err)
	}
}

func wantLines(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		if !logLine.MatchString(line) || strings.ContainsAny(line, "\x00\r\x1b\u2028") {
			t.Errorf("a forged line: %q", line)
		}
	}
	if !strings.Contains(log, "FORGED") {
		t.Error("the log does not contain the requests")
	}
}

// TestLog_Time checks that all lines have the time in UTC (ASVS 5.0 16.2.2).
func TestLog_Time(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=" + format}})
		app.Client(t).SignIn("admin")
		app.Stop(t)
		for line := range strings.Lines(app.Log()) {
			if !regexp.MustCompile(`time"?[=:]"?[0-9T:.-]+Z`).MatchString(line) {
				t.Errorf("the time is not in UTC: %s", line)
			}
		}
	}
}

// TestLog_Events checks that sign-ins and sign-outs are logged with the user (ASVS 5.0
// 16.3.1).
func TestLog_Events(t *testing.T) {
	t.Parallel()
	app := testapp.Start(t, testapp.Options{Extra: []string{"LOG_FORMAT=json"}})
	client := app.Client(t)
	var admin user
	client.SignIn("admin").Decode(t, &admin)
	_, cookie := client.SessionCookie()
	client.JSON(http.MethodDelete, "/session", nil)
	refused := client.JSON(http.MethodPost, "/auth/bypass", map[string]string{"token": "nobody"})
	app.Stop(t)
	events := make(map[any]map[string]any)
	for line := range strings.Lines(app.Log()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%v in %q", err, line)
		}
		events[entry["event"]] = entry
	}
	for event, want := range map[string]map[string]any{
		"signin.success": {"user": admin.ID, "method": "bypass", "sid": sidOf(cookie)},
		"signout":        {"user": admin.ID, "sid": sidOf(cookie)},
		"signin.failure": {"username": "nobody", "method": "bypass", "request_id": refused.Header.Get("X-Request-Id")},
	} {
		for name, value := range want {
			if got := events[event][name]; got != value {
				t.Errorf("%s: %s is %v, want %v", event, name, got, value)
			}
		}
	}
}
