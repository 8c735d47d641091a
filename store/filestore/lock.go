package filestore

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// Every change happens under the lock of its shard, of which a call holds one
// at a time. It consists of three:
//
//   - held, for the goroutines of this process: flock belongs to the open file,
//     which they share.
//   - main, an flock, for the processes.
//   - turn, an flock that one holds while waiting for main, and that everybody
//     takes before main. Without it, a busy process that lets main go and takes
//     it again at once would always be faster than one that the kernel has yet
//     to wake, and could keep it waiting for as long as it is busy.
//
// Reads take no lock: a rename shows them either the old file or the new one.
type shard struct {
	held       chan struct{} // holds one element while locked; guards the rest
	main, turn lockFile      // opened when first needed, then kept
	ready      uint16        // leaves whose directories are there, and on the disk
	done       chan struct{} // the store's, to see its end
}

// lockFile is an open file to lock. Its descriptor is kept beside it because
// asking the os.File for it is a system call each time.
type lockFile struct {
	*os.File
	fd int
}

const locksDir = "locks"

// lock takes the lock of a shard, for which it waits as long as ctx and the
// store live.
func (s *Store) lock(ctx context.Context, op string, number int) (*shard, error) {
	sh := &s.shards[number]
	select {
	case sh.held <- struct{}{}:
	case <-ctx.Done():
		return nil, alive(ctx, op)
	case <-s.done:
		return nil, closedError(op)
	}
	if s.isClosed() { // of two ready cases, select took either
		sh.unhold()
		return nil, closedError(op)
	}
	if err := s.lockFiles(ctx, op, sh, number); err != nil {
		return nil, err
	}
	if err := alive(ctx, op); err != nil {
		sh.release()
		return nil, err
	}
	return sh, nil
}

// release lets the lock go.
func (sh *shard) release() {
	dropFlock(sh.main.fd)
	sh.unhold()
}

// unhold lets in the next goroutine. If the store was closed meanwhile, nobody
// else is left to close the files.
func (sh *shard) unhold() {
	<-sh.held
	select {
	case <-sh.done:
		sh.reap()
	default:
	}
}

// reap closes the files of a shard that nobody holds, once the store is
// closed. If it is held, whoever holds it does that.
func (sh *shard) reap() {
	select {
	case sh.held <- struct{}{}:
	default:
		return
	}
	sh.closeFiles()
	<-sh.held
}

func (sh *shard) closeFiles() {
	for _, f := range []*lockFile{&sh.main, &sh.turn} {
		if f.File != nil {
			f.Close()
		}
		*f = lockFile{}
	}
}

// lockFiles takes the lock between processes for the goroutine that holds the
// shard. On an error the shard is no longer held.
func (s *Store) lockFiles(ctx context.Context, op string, sh *shard, number int) error {
	for {
		if sh.main.File == nil {
			if err := s.openLocks(sh, number); err != nil {
				sh.unhold()
				return fail(op, "open the lock file", err)
			}
		}
		got, err := sh.tryFiles()
		if err != nil {
			sh.unhold()
			return fail(op, "lock", err)
		}
		if !got {
			if err := s.waitFiles(ctx, op, sh); err != nil {
				return err
			}
		}
		if isAt(sh.main.fd, filepath.Join(s.dir, locksDir, shardName(number))) {
			return nil
		}
		// The directory was removed and made again: what we locked is no
		// longer what others lock.
		sh.closeFiles()
		sh.ready = 0
	}
}

// tryFiles takes the lock if that needs no waiting. If not, it may hold turn.
func (sh *shard) tryFiles() (bool, error) {
	if got, err := tryFlock(sh.turn.fd); !got {
		return false, err
	}
	got, err := tryFlock(sh.main.fd)
	if got || err != nil {
		dropFlock(sh.turn.fd)
	}
	return got, err
}

// waitFiles waits for the lock. flock cannot be interrupted, so a goroutine
// does the waiting; if the caller gives up first, the goroutine inherits the
// shard and lets it go as soon as it can.
func (s *Store) waitFiles(ctx context.Context, op string, sh *shard) error {
	locked, abandoned := make(chan error), make(chan struct{})
	go func() {
		err := sh.blockFiles()
		select {
		case locked <- err:
		case <-abandoned:
			dropFlock(sh.main.fd)
			sh.unhold()
		}
	}()
	select {
	case err := <-locked:
		if err == nil {
			return nil
		}
		sh.unhold()
		return fail(op, "lock", err)
	case <-ctx.Done():
		close(abandoned)
		return alive(ctx, op)
	case <-s.done:
		close(abandoned)
		return closedError(op)
	}
}

// blockFiles takes the lock, however long that takes.
func (sh *shard) blockFiles() error {
	if err := waitFlock(sh.turn.fd); err != nil {
		return err
	}
	defer dropFlock(sh.turn.fd)
	return waitFlock(sh.main.fd)
}

// openLocks opens the lock files of a shard.
func (s *Store) openLocks(sh *shard, number int) error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := makeDir(root, locksDir); err != nil {
		return err
	}
	name := path.Join(locksDir, shardName(number))
	if sh.main, err = openLock(root, name); err != nil {
		return err
	}
	if sh.turn, err = openLock(root, name+".turn"); err != nil {
		sh.closeFiles()
	}
	return err
}

// openLock opens a lock file, and makes it if it is missing.
func openLock(root *os.Root, name string) (lockFile, error) {
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if os.IsPermission(err) && mend(root, name, fileMode) {
		f, err = root.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	}
	if err != nil {
		return lockFile{}, err
	}
	if err := setMode(f, fileMode); err != nil {
		f.Close()
		return lockFile{}, fmt.Errorf("set its mode: %w", err)
	}
	return lockFile{f, int(f.Fd())}, nil
}
