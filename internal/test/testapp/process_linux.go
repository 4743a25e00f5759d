package testapp

import "syscall"

// endWithTests makes a program end when the tests are aborted.
func endWithTests() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
