package testdb

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/testdb/testproc"
)

// kind holds everything that differs between the servers of two engines. {dir},
// {data} and {port} in its command lines stand for the server's folder, data
// folder and port.
type kind struct {
	title   string // in messages
	debian  string // the package that has it
	account string // the user who runs it in place of root

	setup  string // command line that fills a data folder
	server string // command line of the server, in the foreground
	fast   string // its further arguments where a crash may lose rows

	driver string // of database/sql
	dsn    string // format of port and database, for the driver
	url    string // format of port and database, for DATABASE_URL
	admin  string // a database that is always there
	folder string // SQL that asks a server for its data folder
	drop   string // SQL that drops a database, whatever is connected to it

	start  sync.Once // of the shared server
	shared *Server
	failed error
}

var kinds = map[Engine]*kind{PostgreSQL: &postgres, MariaDB: &mariadb}

// installed returns the kind of an engine, or ends the test if its server is not
// installed.
func installed(t testing.TB, e Engine) *kind {
	t.Helper()
	k := kinds[e]
	if k == nil {
		t.Fatalf("testdb: %q has no server", e)
	}
	k.require(t)
	return k
}

// require skips the test if the server is missing, or fails it if CI=true.
func (k *kind) require(t testing.TB) {
	t.Helper()
	line := fmt.Sprintf("%s is not installed: apt-get install %s", k.title, k.debian)
	if !supported {
		line = k.title + " is not tested: tests start it on Linux only"
	} else if find(program(k.setup)) != "" && find(program(k.server)) != "" {
		return
	}
	testproc.Missing(t, line)
}

// sharedServer returns the server that tests share, and starts it on the first
// call. A failed start is not tried again.
func (k *kind) sharedServer() (*Server, error) {
	k.start.Do(func() { k.shared, k.failed = newServer(k, k.server+" "+k.fast) })
	return k.shared, k.failed
}

// program returns the program of a command line.
func program(line string) string { return strings.Fields(line)[0] }

// find returns the path of a program, or "". Debian installs servers outside of
// the PATH. If there are several versions, find returns the last one.
func find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/lib/postgresql/*/bin", "/usr/sbin"} {
		paths, _ := filepath.Glob(filepath.Join(dir, program)) // fails on a bad pattern only
		if len(paths) > 0 {
			return slices.Max(paths)
		}
	}
	return ""
}
