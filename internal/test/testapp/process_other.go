//go:build !linux

package testapp

import "syscall"

func killWithTests() *syscall.SysProcAttr { return nil }
