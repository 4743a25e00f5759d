package testdb

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// supported reports whether servers can be started on this system.
const supported = true

// attributes make a process run as the given user, unless uid is -1, and stop
// when the tests are aborted.
func attributes(uid, gid int) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if uid >= 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return attr
}

// processesIn returns the processes whose working folder is dir. Zombies are not
// included.
func processesIn(dir string) []*os.Process {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // fails on a bad pattern only
	var found []*os.Process
	for _, link := range links {
		if cwd, err := os.Readlink(link); err != nil || cwd != dir {
			continue // another's process, or one that has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err != nil {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil {
			found = append(found, p)
		}
	}
	return found
}
