package grifts

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gobuffalo/grift/grift"
)

// TestTasks_Help checks that all tasks are registered and have help with an example that
// the task accepts.
func TestTasks_Help(t *testing.T) {
	for _, task := range tasks {
		var out bytes.Buffer
		if err := task.printHelp(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Usage: grift " + task.name, task.summary + ".\n\n", "\n\nExample:\n  grift " + task.name} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", task.name, want, &out)
			}
		}
		if err := task.checkNumber(len(strings.Fields(task.example))); err != nil {
			t.Errorf("the example of %s: %v", task.name, err)
		}
		if !slices.Contains(grift.List(), task.name) {
			t.Errorf("%s is not registered", task.name)
		}
	}
}

// TestTask_Arguments checks that extra and missing arguments are errors, which do not
// contain the arguments.
func TestTask_Arguments(t *testing.T) {
	for _, args := range []string{
		"secret:generate hidden", "secret:rotate hidden", "sessions:cleanup hidden", "sessions:list hidden hidden",
		"sessions:revoke", "sessions:revoke user hidden hidden", "sessions:show", "sessions:show hidden hidden",
		"users:disable", "users:disable hidden hidden", "users:enable", "users:enable hidden hidden", "users:list hidden",
		"users:role", "users:role hidden", "users:role hidden admin hidden", "db:seed hidden", "routes hidden",
	} {
		words := strings.Fields(args)
		c := grift.NewContextWithContext(words[0], t.Context())
		c.Args = words[1:]
		err := grift.Run(words[0], c)
		if err == nil || !strings.Contains(err.Error(), "argument") || !strings.Contains(err.Error(), "for example grift "+words[0]) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v; want an error with an example and without the arguments", args, err)
		}
	}
}

func TestListRoutes(t *testing.T) {
	routes, err := appRoutes()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printRoutes(&out, routes); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	for _, want := range []string{"METHOD PATH NAME", "GET / rootPath", "DELETE /session sessionPath", "GET /admin adminPath"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, &out)
		}
	}
}
