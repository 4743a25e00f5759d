package testdb

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// spawn starts the program of a command line in the server's folder.
func (s *Server) spawn(line string) (*testproc.Process, error) {
	places := strings.NewReplacer("{dir}", s.dir, "{data}", s.data(), "{port}", strconv.Itoa(s.port))
	args := strings.Fields(line)
	for i := range args {
		args[i] = places.Replace(args[i])
	}
	cmd := exec.Command(find(args[0]), args[1:]...)
	cmd.Dir = s.dir
	// The developer's PGPORT and MYSQL_HOME must not apply. The folder for
	// temporary files is separate because MariaDB deletes those of other servers
	// when it starts.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TMPDIR=" + s.dir}
	cmd.SysProcAttr = attributes(s.uid, s.gid)
	return s.run(cmd)
}

// run starts a command with its output in the log.
func (s *Server) run(cmd *exec.Cmd) (*testproc.Process, error) {
	log, err := os.OpenFile(s.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log

	p, err := testproc.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// log returns the end of the server's log.
func (s *Server) log() string {
	const most = 2000
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// account returns the IDs of the user that runs a server: the user of the test,
// except for root, which PostgreSQL refuses.
func account(name string) (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return -1, -1, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}
