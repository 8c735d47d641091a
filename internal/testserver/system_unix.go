//go:build unix

package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

const (
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
)

// attributes puts the server into a process group of its own, so that Ctrl-C
// in the terminal reaches the tests alone, and makes it run as name if the
// tests run as root.
func attributes(name string) (*syscall.SysProcAttr, error) {
	a := &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(a)
	id, err := identity(name)
	if id != nil {
		a.Credential = id
	}
	return a, err
}

// giveTo makes the folders those of the user name if the tests run as root.
func giveTo(name string, folders ...string) error {
	id, err := identity(name)
	if id == nil || err != nil {
		return err
	}
	for _, folder := range folders {
		if err := os.Chown(folder, int(id.Uid), int(id.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// identity returns the user to become, or nil if that is not needed.
func identity(name string) (*syscall.Credential, error) {
	if name == "" || os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("testserver: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("testserver: user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("testserver: user %s: %w", name, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// signalTree sends sig to the process and to all its descendants. A group is
// not enough: PostgreSQL gives each of its children a session of its own.
func signalTree(pid int, sig syscall.Signal) error {
	if pid == 0 {
		return errors.New("it does not run")
	}
	below := descendants(pid)
	err := syscall.Kill(-pid, sig)
	for _, child := range below {
		// One that has ended meanwhile is what we want, mostly.
		if e := syscall.Kill(child, sig); e != nil && e != syscall.ESRCH {
			err = errors.Join(err, e)
		}
	}
	return err
}
