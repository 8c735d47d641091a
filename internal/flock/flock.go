// Package flock is what the stores of files need of the system beyond package
// os: locks between processes, made of flock(2), and the exchange of two files
// in one step.
package flock

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// ErrClosed says that whoever the lock belongs to was closed.
var ErrClosed = errors.New("lock is closed")

// A Lock keeps out the other goroutines of this process and, by an flock that
// the kernel drops when its process dies, other processes. It is fair between
// processes: one that is always busy does not starve the others. Set it up with
// [Lock.Init].
//
// It consists of three:
//
//   - held, for the goroutines of this process: flock belongs to the open file,
//     which they share.
//   - main, an flock, for the processes.
//   - turn, an flock that one holds while waiting for main, and that everybody
//     takes before main. Without it, a busy process that lets main go and takes
//     it again at once would always be faster than one that the kernel has yet
//     to wake, and could keep it waiting for as long as it is busy.
type Lock struct {
	path, turnPath string
	mode           fs.FileMode
	closed         <-chan struct{}
	held           chan struct{} // holds one element while locked; guards the rest
	main, turn     file          // opened when first needed, then kept
	opened         int
}

// file is an open file to lock. Its descriptor is kept beside it because asking
// the os.File for it can be a system call each time.
type file struct {
	*os.File
	fd int
	id identity
}

// Init sets up a lock of the files path and turnPath, which need not exist yet:
// they get the mode when they are made. Once closed is closed, nobody waits for
// the lock or takes it any more.
func (l *Lock) Init(path, turnPath string, mode fs.FileMode, closed <-chan struct{}) {
	l.path, l.turnPath, l.mode, l.closed = path, turnPath, mode, closed
	l.held = make(chan struct{}, 1)
}

// Acquire takes the lock. It waits until ctx is done, of which it answers the
// cause, or until closed is closed, which is [ErrClosed].
//
// An error that matches fs.ErrNotExist says that the directory of the files is
// missing.
func (l *Lock) Acquire(ctx context.Context) error {
	select {
	case l.held <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.closed:
		return ErrClosed
	}
	if l.isClosed() { // of two ready cases, select took either
		l.unhold()
		return ErrClosed
	}
	if err := l.acquireFiles(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		l.Release()
		return context.Cause(ctx)
	}
	return nil
}

// Release lets the lock go.
func (l *Lock) Release() {
	drop(l.main.fd)
	l.unhold()
}

// Opened tells whoever holds the lock how often its files were opened. If that
// is more than before, their directory may be another one: it was removed and
// made again.
func (l *Lock) Opened() int { return l.opened }

// Close closes the files, after closed was closed. If somebody holds the lock,
// or still waits for another process although nobody waits for him any more,
// then he closes them.
func (l *Lock) Close() {
	select {
	case l.held <- struct{}{}:
	default:
		return
	}
	l.closeFiles()
	<-l.held
}

func (l *Lock) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// unhold lets in the next goroutine. After the end, nobody else is left to
// close the files.
func (l *Lock) unhold() {
	<-l.held
	if l.isClosed() {
		l.Close()
	}
}

func (l *Lock) closeFiles() {
	for _, f := range []*file{&l.main, &l.turn} {
		if f.File != nil {
			f.Close()
		}
		*f = file{}
	}
}

// acquireFiles takes the lock between processes for the goroutine that holds
// the lock. On an error, the goroutine does not hold it any more.
func (l *Lock) acquireFiles(ctx context.Context) error {
	for {
		got, err := l.tryFiles()
		if err != nil {
			l.unhold()
			return err
		}
		if !got {
			if err := l.waitFiles(ctx); err != nil {
				return err
			}
		}
		if now, err := identityAt(l.path); err == nil && now == l.main.id {
			return nil
		}
		// It was removed, or the directory was: what we locked is no longer
		// what others lock.
		l.closeFiles()
	}
}

// tryFiles takes the lock if that needs no waiting.
func (l *Lock) tryFiles() (bool, error) {
	if l.main.File == nil {
		if err := l.openFiles(); err != nil {
			return false, err
		}
	}
	if got, err := try(l.turn.fd); !got {
		return false, err
	}
	got, err := try(l.main.fd)
	if got || err != nil {
		drop(l.turn.fd)
	}
	return got, err // if not, with the turn
}

// waitFiles waits for the lock. flock cannot be interrupted, so a goroutine
// does the waiting; if the caller gives up first, the goroutine inherits the
// lock and lets it go as soon as it can.
func (l *Lock) waitFiles(ctx context.Context) error {
	locked, abandoned := make(chan error), make(chan struct{})
	go func() {
		err := l.blockFiles()
		select {
		case locked <- err:
		case <-abandoned:
			drop(l.main.fd)
			l.unhold()
		}
	}()
	select {
	case err := <-locked:
		if err != nil {
			l.unhold()
		}
		return err
	case <-ctx.Done():
		close(abandoned)
		return context.Cause(ctx)
	case <-l.closed:
		close(abandoned)
		return ErrClosed
	}
}

// blockFiles takes the lock, however long that takes.
func (l *Lock) blockFiles() error {
	if err := wait(l.turn.fd); err != nil {
		return err
	}
	defer drop(l.turn.fd)
	return wait(l.main.fd)
}

func (l *Lock) openFiles() (err error) {
	if l.main, err = openFile(l.path, l.mode); err != nil {
		return err
	}
	if l.turn, err = openFile(l.turnPath, l.mode); err != nil {
		l.closeFiles()
		return err
	}
	l.opened++
	return nil
}
