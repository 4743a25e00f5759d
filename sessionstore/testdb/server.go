package testdb

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

const startAttempts = 3 // a free port may be taken before the server has it

// Server is a database server in a temporary folder.
type Server struct {
	kind      *kind
	line      string // its command line
	dir       string // holds the data folder and the log
	uid, gid  int    // who runs the server; -1 is the user of the test
	port      int
	process   *testproc.Process
	databases atomic.Int64 // made so far, for their names
}

// Kill kills all processes of the server with SIGKILL, like a crash. They have
// exited when it returns.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.kill(); err != nil {
		t.Fatalf("kill %s: %v", s.kind.title, err)
	}
}

// Restart starts the server again, with its data and on its port, and returns
// when it is ready. If the server is still running, it is killed first.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill(t)
	if err := s.start(s.port); err != nil {
		t.Fatal(err)
	}
}

// Freeze pauses the server: it keeps its connections but does not answer, as
// behind a broken network. Thaw resumes it.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	s.signalAll(t, syscall.SIGSTOP)
}

// Thaw resumes a frozen server.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	s.signalAll(t, syscall.SIGCONT)
}

func (s *Server) signalAll(t testing.TB, signal syscall.Signal) {
	t.Helper()
	processes := processesIn(s.data())
	if len(processes) == 0 {
		t.Fatalf("%s does not run", s.kind.title)
	}
	for _, p := range processes {
		if err := p.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatalf("%s %s: %v", signal, s.kind.title, err)
		}
	}
}

// newServer fills a data folder and starts a server on it.
func newServer(k *kind, line string) (*Server, error) {
	s := &Server{kind: k, line: line}
	err := s.prepare()
	if err == nil {
		err = s.start(0)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// prepare creates the server's folder and fills its data folder.
func (s *Server) prepare() (err error) {
	if s.uid, s.gid, err = account(s.kind.account); err != nil {
		return err
	}
	// t.TempDir cannot be used, because other users may have no access to its
	// parents. Symbolic links are resolved, because that is the path the server
	// reports.
	temp, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(temp, "latchkey-testdb-"); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(s.dir, 0o755), os.Chown(s.dir, s.uid, s.gid)); err != nil {
		return err
	}
	setup, err := s.spawn(s.kind.setup)
	if err != nil {
		return err
	}
	if <-setup.Done; setup.Err != nil {
		return fmt.Errorf("%s: %w\n%s", program(s.kind.setup), setup.Err, s.log())
	}
	return nil
}

// start starts the server on the port, or on a free one if port is 0, and returns
// when it is ready.
func (s *Server) start(port int) error {
	var failed error
	for range startAttempts {
		if s.port = port; port == 0 {
			if s.port, failed = freePort(); failed != nil {
				return failed
			}
		}
		p, err := s.spawn(s.line)
		if err != nil {
			return err
		}
		s.process = p
		if err = s.await(); err == nil {
			return nil
		}
		failed = errors.Join(fmt.Errorf("start %s: %w\n%s", s.kind.title, err, s.log()), s.kill())
	}
	return failed
}

// await returns when the server answers, or with an error when it has exited.
func (s *Server) await() error {
	last := errors.New("it ended at once")
	err := testproc.Poll(func() bool {
		if s.process.Ended() {
			return true
		}
		last = s.identify()
		return last == nil
	})
	return errors.Join(err, last)
}

// stop stops the server and deletes its folder. SIGQUIT makes PostgreSQL free its
// shared memory without a checkpoint. After a kill, only the next start would
// free it, so the server is started again.
func (s *Server) stop() error {
	if s.process.Ended() {
		if err := s.start(0); err != nil {
			return errors.Join(err, os.RemoveAll(s.dir))
		}
	}
	err := s.process.Cmd.Process.Signal(syscall.SIGQUIT)
	if err == nil {
		err = testproc.Poll(s.process.Ended)
	}
	return errors.Join(err, s.kill(), os.RemoveAll(s.dir))
}

// kill kills the server and all its child processes. PostgreSQL runs each
// connection in a process and session of its own, so no signal reaches them all.
// They are identified by their working folder.
func (s *Server) kill() error {
	_ = s.process.Kill() // what it ended with is no news
	return testproc.Poll(func() bool {
		left := processesIn(s.data())
		for _, p := range left {
			_ = p.Kill() // may have ended by itself
		}
		return len(left) == 0
	})
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// freePort returns a free loopback port.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
