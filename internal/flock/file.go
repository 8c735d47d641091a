package flock

import (
	"errors"
	"io/fs"
	"os"
)

// ErrNotFile says that something else stands where a file belongs.
var ErrNotFile = errors.New("not a regular file")

// Open opens the file at path to lock it, and makes it if it is missing. It
// follows no symbolic link there. Whatever the umask, the file has the mode, or
// more, if this process may set it.
func Open(path string, mode fs.FileMode) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | NoFollow | NoWait
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, fs.ErrPermission) && mend(path, mode) {
		f, err = os.OpenFile(path, flags, 0o600)
	}
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = ErrNotFile
	}
	if err == nil && fi.Mode().Perm()&mode != mode {
		// Whoever made it died before it did this, or the umask was strict.
		// Only the owner can; others could open it as it is, so it will do.
		if err = f.Chmod(mode); errors.Is(err, fs.ErrPermission) {
			err = nil
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mend gives a file its mode if whoever made it under a strict umask died, or
// is, between that and doing this itself.
func mend(path string, mode fs.FileMode) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&mode != mode && os.Chmod(path, mode) == nil
}

func openFile(path string, mode fs.FileMode) (file, error) {
	f, err := Open(path, mode)
	if err != nil {
		return file{}, err
	}
	fd := int(f.Fd())
	id, err := identityOf(fd)
	if err != nil {
		f.Close()
		return file{}, err
	}
	return file{f, fd, id}, nil
}

// Try locks a file if nobody else has locked it.
func Try(f *os.File) (bool, error) { return try(int(f.Fd())) }

// Drop lets the lock of a file go.
func Drop(f *os.File) { drop(int(f.Fd())) }

// IsLocked reports whether somebody else has locked a file. If not, f holds a
// lock that it shares with others of its kind until it is closed.
func IsLocked(f *os.File) bool { return !tryShared(int(f.Fd())) }

// IsAt reports whether f is the file that stands at path.
func IsAt(f *os.File, path string) bool {
	a, errA := identityOf(int(f.Fd()))
	b, errB := identityAt(path)
	return errA == nil && errB == nil && a == b
}

// ErrNoSwap says that the system or the file system has no step that exchanges
// files, or that renames one but not over another.
var ErrNoSwap = errors.New("no exchange of files")
