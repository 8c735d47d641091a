package cachelibstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// ownPrefix begins the names of this package's temporary files, which a killed
// process may leave.
const ownPrefix = "cloakroom-"

func tmpName() string { return ownPrefix + rand.Text() + tmpSuffix }

// Save implements [store.Store]. It returns once the record is on the disk,
// unless the store is unsynced.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	const op = "save"
	if err := checkKey(key, true); err != nil {
		return store.Record{}, err
	}
	if len(next.Data) > MaxSize {
		return store.Record{}, fmt.Errorf("cachelibstore: save: %w", store.TooLarge(len(next.Data), MaxSize))
	}
	if err := s.enter(ctx, op); err != nil {
		return store.Record{}, err
	}
	defer s.leave()
	if !next.Live(s.now()) {
		return store.Record{}, s.drop(ctx, op, nameOf(key), prev)
	}
	if err := s.checkDir(op); err != nil {
		return store.Record{}, err
	}
	s.prune(ctx)
	e := expiryOf(next.Expires)
	// Written and synced before the lock is taken, for which all wait.
	tmp, err := s.writeTmp(append(e.append(nil), next.Data...), true)
	if err != nil {
		return store.Record{}, fail(op, "write", err)
	}
	defer tmp.Close()
	if _, err := flock.Try(tmp); err != nil { // for settled; nobody else knows the file
		_ = os.Remove(tmp.Name())
		return store.Record{}, fail(op, "lock the file", err)
	}
	if err := s.replace(ctx, op, nameOf(key), prev, tmp); err != nil {
		return store.Record{}, err
	}
	next.Expires, next.Token = e.time(), 0
	return next, s.syncDir(op)
}

// replace puts tmp in the place of the record if that still is prev. If not,
// tmp is gone when it returns.
func (s *Store) replace(ctx context.Context, op, name string, prev store.Record, tmp *os.File) error {
	err := s.underLock(ctx, op, func() error {
		cur, err := s.expect(op, name, prev)
		if err != nil {
			return err
		}
		defer cur.close()
		if err := s.install(tmp, s.path(name), cur.file); err != nil {
			return fail(op, "rename", err)
		}
		flock.Drop(tmp)
		if cur.file == nil {
			s.addCount(1)
		}
		return nil
	})
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// drop removes the record if it still is prev.
func (s *Store) drop(ctx context.Context, op, name string, prev store.Record) error {
	err := s.underLock(ctx, op, func() error {
		cur, err := s.expect(op, name, prev)
		if err != nil {
			return err
		}
		defer cur.close()
		if !prev.Exists() {
			return nil // what has expired is left to prune
		}
		if err := s.take(s.path(name), cur.file); err != nil {
			return fail(op, "remove", err)
		}
		s.addCount(-1)
		return nil
	})
	if err != nil {
		return err
	}
	return s.syncDir(op)
}

// expect opens what is at name, and answers with a conflict if that is not
// prev. It compares data: cachelib leaves no mark by which versions of a file
// could be told apart otherwise.
func (s *Store) expect(op, name string, prev store.Record) (entry, error) {
	cur, err := s.current(op, name, os.O_RDONLY)
	if err != nil {
		return entry{}, err
	}
	live := cur.live(s.now())
	if live != prev.Exists() || live && string(cur.data) != string(prev.Data) {
		cur.close()
		return entry{}, conflict()
	}
	return cur, nil
}

// writeTmp writes a new temporary file and leaves it open.
func (s *Store) writeTmp(content []byte, sync bool) (*os.File, error) {
	if err := s.step("create"); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.path(tmpName()), os.O_WRONLY|os.O_CREATE|os.O_EXCL|flock.NoFollow, DefaultMode)
	if err != nil {
		return nil, err
	}
	if err := s.fill(f, content, sync && !s.opts.Unsynced); err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name()) // it may be what fills the disk
		return nil, err
	}
	return f, nil
}

func (s *Store) fill(f *os.File, content []byte, sync bool) error {
	err := f.Chmod(s.opts.Mode) // whatever the umask
	if err == nil {
		err = s.step("write")
	}
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil && sync {
		err = errors.Join(s.step("sync"), f.Sync())
	}
	return err
}
