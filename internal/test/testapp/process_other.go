//go:build !linux

package testapp

import "syscall"

func endWithTests() *syscall.SysProcAttr { return nil }
