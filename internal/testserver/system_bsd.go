//go:build unix && !linux

package testserver

import "syscall"

// Elsewhere than on Linux a server outlives tests that are killed.
func dieWithParent(*syscall.SysProcAttr) {}

// Elsewhere than on Linux the process group must do.
func descendants(int) []int { return nil }

// Elsewhere than on Linux the server is believed to have heard the signal.
func stopped(int) bool { return true }
