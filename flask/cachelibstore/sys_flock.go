//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package cachelibstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// haveFlock says whether this system can lock files between processes.
const haveFlock = true

// noWait keeps a named pipe that stands at a record's name from blocking its
// reader. On files it means nothing.
const (
	noWait   = syscall.O_NONBLOCK
	noFollow = syscall.O_NOFOLLOW
)

// again calls f until no signal interrupts it.
func again(f func() error) error {
	for {
		if err := f(); err != syscall.EINTR {
			return err
		}
	}
}

// tryFlock takes the lock of a file if nobody else holds it.
func tryFlock(f *os.File) (bool, error) {
	err := again(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) })
	if err == syscall.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}

// isLocked reports whether somebody else has locked a file. If not, f holds a
// lock that it shares with others of its kind until it is closed.
func isLocked(f *os.File) bool {
	err := again(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) })
	return err == syscall.EWOULDBLOCK
}

// dropFlock lets the lock of a file go.
func dropFlock(f *os.File) {
	_ = again(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) })
}

// isAt reports whether f is the file that stands at path.
func isAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

func deviceOf(fi fs.FileInfo) uint64 { return uint64(fi.Sys().(*syscall.Stat_t).Dev) }

func adviceFor(err error) string {
	if errors.Is(err, errNotFile) {
		return "Something stands in the session directory where a session belongs; remove it."
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return ""
	}
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT:
		return "Free space, inodes or quota on the session directory's file system; stored sessions are intact."
	case syscall.EFBIG:
		return "Raise the program's file size limit (ulimit -f, LimitFSIZE=); stored sessions are intact."
	case syscall.EACCES, syscall.EPERM:
		return "Run both programs as one user, or let both write: SESSION_FILE_MODE 0o660 on either side, and a directory of a common group (chmod 2770)."
	case syscall.EROFS:
		return "Mount the session directory's file system writable."
	case syscall.EMFILE, syscall.ENFILE:
		return "Raise the limit of open files (ulimit -n, LimitNOFILE=)."
	case syscall.ENOTDIR, syscall.ELOOP:
		return "Something in the session directory is not what it should be, perhaps a symbolic link; put it back."
	case syscall.EIO, syscall.ESTALE:
		return "Check the disk or the mount behind the session directory."
	}
	return ""
}
