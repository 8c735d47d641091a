//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos)

package flock

import "errors"

// The stores refuse to be opened on these systems, so that nothing below is
// ever called; it is here to let programs compile.
const (
	Supported = false
	NoWait    = 0
	NoFollow  = 0
)

type identity struct{}

func Again(f func() error) error { return f() }

func try(int) (bool, error)               { return false, errors.ErrUnsupported }
func tryShared(int) bool                  { return false }
func wait(int) error                      { return errors.ErrUnsupported }
func drop(int)                            {}
func identityOf(int) (identity, error)    { return identity{}, errors.ErrUnsupported }
func identityAt(string) (identity, error) { return identity{}, errors.ErrUnsupported }
