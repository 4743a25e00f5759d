package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
)

// TestHelp checks that every command and task has help with an example, and that help
// works without valid settings.
func TestHelp(t *testing.T) {
	t.Parallel()
	run := func(args string) string {
		t.Helper()
		return testapp.Run(t, t.TempDir(), settings{"GO_ENV": "production"}.environ(), strings.Fields(args)...).Want(t, 0).Stdout
	}
	commands := regexp.MustCompile(`(?m)^  (\w+) +[A-Z]`).FindAllStringSubmatch(run("help"), -1)
	tasks := regexp.MustCompile(`(?m)^app task (\S+) +# [A-Z]`).FindAllStringSubmatch(run("task"), -1)
	if len(commands) != 5 || len(tasks) < 12 {
		t.Errorf("%d commands and %d tasks, want 5 and at least 12", len(commands), len(tasks))
	}
	for _, match := range commands {
		if name := match[1]; name != "help" {
			wantHelp(t, "app "+name, run("help "+name), run(name+" --help"), run(name+" -h"))
		}
	}
	for _, match := range tasks {
		name := match[1]
		wantHelp(t, "app task "+name, run("task help "+name), run("task "+name+" --help"), run("help task "+name))
	}
	for _, args := range []string{"--help", "-h"} {
		if got := run(args); got != run("help") {
			t.Errorf("app %s does not print the text of app help:\n%s", args, got)
		}
	}
	for _, args := range []string{"task list", "task help", "tasks", "t"} {
		if got := run(args); got != run("task") {
			t.Errorf("app %s does not print the text of app task:\n%s", args, got)
		}
	}
	if got := run("migrate down --help"); got != run("help migrate") {
		t.Errorf("app migrate down --help does not print the text of app help migrate:\n%s", got)
	}
}

// wantHelp checks that the help texts of a command are complete and equal.
func wantHelp(t *testing.T, command string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.HasPrefix(text, "Usage: "+command) || !strings.Contains(text, "\nExample:\n  ") || text != texts[0] {
			t.Errorf("help of %s lacks its usage or an example, or its variants differ:\n%s", command, text)
		}
	}
}

// TestCommands_Refused checks that unknown commands and arguments are errors.
func TestCommands_Refused(t *testing.T) {
	t.Parallel()
	for args, message := range map[string]string{
		"nonsense":                  `unknown command "nonsense"; for a list, see app help`,
		"--port":                    `unknown command "--port"`,
		"serve now":                 `serve takes no arguments, got ["now"]; for example app serve`,
		"serve --port 4000":         `serve takes no arguments`,
		"version now":               `version takes no arguments`,
		"migrate sideways":          `migrate: unknown argument "sideways", must be up, down or status; for example app migrate status`,
		"migrate up 1":              `migrate up takes no arguments, got ["1"]; for example app migrate up`,
		"migrate status now":        `migrate status takes no arguments`,
		"migrate down 0":            `for example app migrate down 2`,
		"help nonsense":             `unknown command "nonsense"`,
		"help serve now":            `unknown arguments ["now"]`,
		"task no:such":              `unknown task "no:such"; for a list, see app task`,
		"task no:such --help":       `unknown task "no:such"`,
		"task help no:such":         `unknown task "no:such"`,
		"task db:seed now":          `db:seed takes no arguments, got 1; for example app task db:seed`,
		"task secret:generate now":  `secret:generate takes no arguments`,
		"task users:list now":       `users:list takes no arguments`,
		"task routes now":           `routes takes no arguments`,
		"task users:role ada":       `usage: app task users:role USERNAME member|admin; for example app task users:role ada admin`,
		"task sessions:list a b":    `usage: app task sessions:list [USERNAME]`,
		"task users:disable":        `usage: app task users:disable USERNAME`,
		"task sessions:cleanup now": `sessions:cleanup takes no arguments`,
	} {
		r := testapp.Run(t, t.TempDir(), settings{"GO_ENV": "production"}.environ(), strings.Fields(args)...)
		wantRefusal(t, fmt.Sprint("app ", args), r, message)
	}
}
