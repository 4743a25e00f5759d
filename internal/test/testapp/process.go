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

// Result is how a command of the app ended.
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

// Run runs a command of the app to its end, in a folder and with nothing but
// the environment that the test gives. A server does not end: one that comes
// up is killed, which leaves the code at -1.
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
	_ = p.Kill() // says what Code does
	return Result{p.Cmd.ProcessState.ExitCode(), p.stdout.String(), stderr.String()}
}

// process is the app, running or not any more.
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
	cmd.Env = append(slices.Clip(env), "GORACE=atexit_sleep_ms=0") // a second at every exit, by default
	cmd.Stdout, cmd.Stderr = &p.stdout, stderr
	cmd.SysProcAttr = endWithTests()
	p.Process, err = testproc.Start(cmd)
	return p, err
}

// listens reports whether the program says that it serves.
func (p *process) listens() bool { return strings.Contains(p.stdout.String(), " is at http") }

// stop asks the program to end, and kills it if it does not.
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

// environ gives settings the form that processes get.
func environ(settings map[string]string) []string {
	env := make([]string, 0, len(settings))
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// output keeps what a program writes, and can be read while it does.
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

// tail returns the end of a long text.
func tail(text string) string {
	const most = 2000
	return text[max(0, len(text)-most):]
}
