package testapp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// Result is the result of a command of the app.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Want fails the test unless the command exited with code.
func (r Result) Want(t testing.TB, code int) Result {
	t.Helper()
	if r.Code != code {
		t.Fatalf("exit code %d, want %d\n%s%s", r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

// Run runs a command of the app in a folder, with env as its whole environment, and waits
// until it exits. If the command is a server that starts, Run kills it; its Code is then
// -1.
func Run(t testing.TB, dir string, env []string, args ...string) Result {
	t.Helper()
	var stderr output
	p, err := spawn(dir, env, &stderr, args...)
	if err != nil {
		t.Fatal(err)
	}
	err = testproc.Poll(func() bool { return p.Ended() || p.listens() })
	if err != nil {
		t.Errorf("app %s: %v", strings.Join(args, " "), err)
	}
	_ = p.Kill() // Code tells the same
	return Result{p.Cmd.ProcessState.ExitCode(), p.stdout.String(), stderr.String()}
}

// process is a command of the app, which may have exited.
type process struct {
	*testproc.Process
	stdout output
}

func spawn(dir string, env []string, stderr io.Writer, args ...string) (*process, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	p := &process{}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clip(env), "GORACE=atexit_sleep_ms=0") // by default, -race waits a second at every exit
	cmd.Stdout, cmd.Stderr = &p.stdout, stderr
	cmd.SysProcAttr = killWithTests()
	p.Process, err = testproc.Start(cmd)
	return p, err
}

// listens reports whether the process has printed that it serves.
func (p *process) listens() bool { return strings.Contains(p.stdout.String(), " is at http") }

// stop sends SIGTERM, and kills the process if it does not exit.
func (p *process) stop() error {
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, p.Kill())
	}
	select {
	case <-p.Done:
		return p.Err
	case <-time.After(testproc.Patience):
		return errors.Join(fmt.Errorf("still running %s after SIGTERM", testproc.Patience), p.Kill())
	}
}

// environ returns settings as an environment, NAME=value.
func environ(settings map[string]string) []string {
	env := make([]string, 0, len(settings))
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// output stores what a process writes. It can be read at the same time.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail returns the last part of a long text.
func tail(text string) string {
	const most = 2000
	return text[max(0, len(text)-most):]
}
