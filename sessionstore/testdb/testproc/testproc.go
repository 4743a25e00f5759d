// Package testproc runs programs for tests.
package testproc

import (
	"fmt"
	"os/exec"
	"runtime"
	"time"
)

const (
	// Patience is the time limit of Poll.
	Patience  = 30 * time.Second
	pollEvery = 10 * time.Millisecond
)

// Process is a program that was started.
type Process struct {
	Cmd  *exec.Cmd
	Done chan struct{} // closed when it has ended
	Err  error         // how it ended, once Done is closed
}

// Start starts the program. It returns the error of exec.Cmd.Start.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{Cmd: cmd, Done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	return p, <-started
}

// run starts the program and waits for it on a single thread, because Pdeathsig
// kills the program when the thread that started it exits.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.Done)
	err := p.Cmd.Start()
	started <- err
	if err == nil {
		p.Err = p.Cmd.Wait()
	}
}

// Ended reports whether the program has exited.
func (p *Process) Ended() bool {
	select {
	case <-p.Done:
		return true
	default:
		return false
	}
}

// Kill kills the program, waits until it has exited, and returns Err.
func (p *Process) Kill() error {
	_ = p.Cmd.Process.Kill() // fails on one that has ended: fine
	<-p.Done
	return p.Err
}

// Poll returns when done returns true, or with an error after Patience.
func Poll(done func() bool) error {
	deadline := time.Now().Add(Patience)
	for !done() {
		if time.Now().After(deadline) {
			return fmt.Errorf("still waiting after %s", Patience)
		}
		time.Sleep(pollEvery)
	}
	return nil
}
