package testapp

import "syscall"

// killWithTests makes the kernel kill a process when the tests are aborted.
func killWithTests() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
