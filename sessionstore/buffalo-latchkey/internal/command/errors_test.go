package command_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/command"
)

// fail runs a command that must fail and change nothing.
func fail(t *testing.T, args ...string) string {
	t.Helper()
	before := snapshot(t)
	var out bytes.Buffer
	err := command.Main(t.Context(), args, command.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	if err == nil {
		t.Fatalf("%v succeeded:\n%s", args, &out)
	}
	same(t, snapshot(t), before)
	return err.Error()
}

func TestMain_BadInput(t *testing.T) {
	newApp(t)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"install"}, "Usage"},
		{[]string{"latchkey", "now"}, "--help"},
		{[]string{"--adopt-days", "-1"}, "--no-adopt"},
		{[]string{"--undo"}, "nothing to take back"},
		{[]string{"--store", "../missing"}, "nothing was changed"},
		{[]string{"sessions"}, "list, show, revoke or cleanup"},
		{[]string{"sessions", "drop"}, "list, show, revoke or cleanup"},
		{[]string{"sessions", "list"}, "run buffalo-latchkey latchkey first"},
	}
	for _, test := range tests {
		if got := fail(t, test.args...); !strings.Contains(got, test.want) {
			t.Errorf("%v: the error is %q, want one with %q", test.args, got, test.want)
		}
	}
}

func TestLatchkey_OutsideOfAnApp(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := fail(t); !strings.Contains(got, "main folder of your Buffalo app") {
		t.Errorf("the error is %q", got)
	}
}

func TestLatchkey_BrokenApp(t *testing.T) {
	newApp(t)
	if err := os.WriteFile("actions/broken.go", []byte("package actions\n\nfunc {\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := fail(t, "--store", "../store"); !strings.Contains(got, "actions/broken.go:3") {
		t.Errorf("the error is %q", got)
	}
}

// The app does not build because its new code does not match the store.
func TestLatchkey_SaysHowToUndoWhatDoesNotBuild(t *testing.T) {
	newApp(t)
	if err := os.WriteFile("../store/sessionmw/sessionmw.go", []byte("package sessionmw\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t)
	var out bytes.Buffer
	err := command.Main(t.Context(), []string{"--yes", "--store", "../store"}, command.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	if err == nil || !strings.Contains(err.Error(), "sessionmw.Require") || !strings.Contains(err.Error(), "--undo") {
		t.Errorf("err = %v", err)
	}
	run(t, "", "--undo", "--yes")
	same(t, snapshot(t), before)
}

func TestLatchkey_NamesTheVendorFolder(t *testing.T) {
	newApp(t)
	if err := os.MkdirAll("vendor", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("vendor/modules.txt", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--yes", "--skip-build", "--store", "../store"}, {"--undo", "--yes"}} {
		if out := run(t, "", args...); !strings.Contains(out, "go mod vendor") {
			t.Errorf("%v does not name the next step:\n%s", args, out)
		}
	}
}

// An interrupt at the prompt stops the program, which would otherwise wait for
// the answer.
func TestLatchkey_Interrupted(t *testing.T) {
	newApp(t)
	before := snapshot(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	streams := command.Streams{In: interruptingReader{interrupt}, Out: &out, Err: &out}
	if err := command.Main(ctx, []string{"--store", "../store"}, streams); err != nil {
		t.Fatal(err)
	}
	same(t, snapshot(t), before)
}

// An interruptingReader simulates a terminal on which the user presses Ctrl-C.
type interruptingReader struct{ interrupt func() }

func (r interruptingReader) Read([]byte) (int, error) {
	r.interrupt()
	pipe, _ := io.Pipe()
	return pipe.Read(make([]byte, 1)) // blocks
}

func TestSessions_RunsTasks(t *testing.T) {
	newApp(t)
	run(t, "", "--yes", "--skip-build", "--store", "../store")
	before := snapshot(t)
	if out := run(t, "", "sessions", "list", "--all", "42"); !strings.Contains(out, "sessions of [--all 42] true") {
		t.Errorf("the task says:\n%s", out)
	}
	fail(t, "sessions", "revoke", "x")
	same(t, snapshot(t), before)
}
