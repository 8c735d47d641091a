//go:build !unix

package testserver

import (
	"errors"
	"os/exec"
	"syscall"
)

const (
	sigStop = syscall.SIGKILL
	sigCont = syscall.SIGKILL
)

// Without signals a server cannot be paused, so there are no servers at all,
// and the tests that need one are skipped.
func attributes(string) (*syscall.SysProcAttr, error) { return nil, exec.ErrNotFound }

func giveTo(string, ...string) error { return exec.ErrNotFound }

func signalTree(int, syscall.Signal) error { return errors.ErrUnsupported }

func stopped(int) bool { return true }
