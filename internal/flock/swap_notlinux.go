//go:build !linux

package flock

// Exchange would swap two files in one step.
func Exchange(a, b []byte) error { return ErrNoSwap }

// RenameNew would rename a file unless there is one of the new name.
func RenameNew(from, to []byte) error { return ErrNoSwap }
