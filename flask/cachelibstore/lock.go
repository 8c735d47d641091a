package cachelibstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// lockFile is the file that is locked for every change. It stands in the
// directory, since the one above it may not be ours to write to; by its suffix
// it is neither counted nor removed by cachelib.
const lockFile = ownPrefix + "lock" + tmpSuffix

// How long to wait before another try at a lock that another process holds.
// It is held for microseconds: files are written and synced outside of it.
const (
	shortestWait = 50 * time.Microsecond
	longestWait  = 5 * time.Millisecond
)

// dirLock is the lock of a directory. One for all records is enough, as it is
// held briefly, and the count needs one for all.
type dirLock struct {
	path string
	mode fs.FileMode
	held chan struct{} // for the goroutines of this process; guards file
	file *os.File      // flock on it is for the processes; opened when needed
	done chan struct{} // closed by Close
}

func (l *dirLock) init(path string, mode fs.FileMode) {
	l.path, l.mode = path, mode
	l.held, l.done = make(chan struct{}, 1), make(chan struct{})
}

// underLock calls f with the lock held.
func (s *Store) underLock(ctx context.Context, op string, f func() error) error {
	l := &s.lock
	select {
	case l.held <- struct{}{}:
	case <-ctx.Done():
		return alive(ctx, op)
	case <-l.done:
		return closedError(op)
	}
	defer func() { <-l.held }()
	if err := l.lockFile(ctx, op); err != nil {
		return err
	}
	defer dropFlock(l.file)
	if err := alive(ctx, op); err != nil {
		return err
	}
	return f()
}

// lockFile takes the lock between processes. It tries again and again, since
// flock's own waiting cannot be interrupted.
func (l *dirLock) lockFile(ctx context.Context, op string) error {
	for wait := shortestWait; ; wait = min(2*wait, longestWait) {
		if l.file == nil {
			f, err := l.openFile()
			if err != nil {
				return fail(op, "open the lock file", err)
			}
			l.file = f
		}
		got, err := tryFlock(l.file)
		if err != nil {
			return fail(op, "lock", err)
		}
		if got && isAt(l.file, l.path) {
			return nil
		}
		if got {
			// It was removed, or the directory was: what we locked is no
			// longer what others lock.
			l.closeFile()
			continue
		}
		if err := l.pause(ctx, op, wait); err != nil {
			return err
		}
	}
}

func (l *dirLock) pause(ctx context.Context, op string, wait time.Duration) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return alive(ctx, op)
	case <-l.done:
		return closedError(op)
	}
}

func (l *dirLock) openFile() (*os.File, error) {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|noFollow|noWait, DefaultMode)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errNotFile
	}
	if err == nil && fi.Mode().Perm()&l.mode != l.mode {
		// Whoever made it died before it did this, or the umask was strict.
		// Only the owner can; for all others it is open already, so it will do.
		if err = f.Chmod(l.mode); errors.Is(err, fs.ErrPermission) {
			err = nil
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// closeFile closes the file, and with it drops the lock.
func (l *dirLock) closeFile() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}
