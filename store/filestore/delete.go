package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cloakroom/cloakroom/store"
)

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	n := nameOf(key)
	sh, err := s.lock(ctx, op, n.leaf().shard())
	if err != nil {
		return err
	}
	dir, err := s.remove(op, &n)
	sh.Release()
	if err != nil || dir < 0 {
		return err
	}
	// Also if there was nothing to remove: whoever removed it may not have
	// synced yet, or may have died before.
	return s.finish(op, dir)
}

// remove removes a record's file, if there is one, for a caller that holds the
// shard. It returns its directory, which is left to sync, or -1 if there is
// none.
func (s *Store) remove(op string, n *name) (dir int, err error) {
	s.cache.drop(n)
	dir, err = s.openLeaf(n) // first, since without it nothing could be synced
	if errors.Is(err, fs.ErrNotExist) {
		return -1, s.checkRoot(op)
	}
	if err != nil {
		return -1, fail(op, "open the record's directory", err)
	}
	if err = s.step("remove"); err == nil {
		err = removeAny(text(s.appendPath(nil, n)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = s.checkRoot(op)
	} else if err != nil {
		err = fail(op, "remove", err)
	}
	if err != nil {
		_ = closeFD(dir)
		return -1, err
	}
	return dir, nil
}

// removeAny removes what stands at a record's path, or moves it aside if it is
// a directory with something in it.
func removeAny(path string) error {
	err := os.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if fi, statErr := os.Lstat(path); statErr == nil && fi.IsDir() {
		return moveAside(path)
	}
	return err
}

// setAside renames the damaged file that err is about, for a caller that holds
// the shard, and returns err.
func (s *Store) setAside(n *name, err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	dir, asideErr := s.openLeaf(n)
	if asideErr == nil {
		defer closeFD(dir)
		asideErr = moveAside(text(s.appendPath(nil, n)))
	}
	if asideErr == nil {
		asideErr = s.syncFile(dir, "sync directory")
	}
	if asideErr != nil {
		return fmt.Errorf("%w; and it could not be set aside: %w", err, bare(asideErr))
	}
	return err
}

// moveAside gives what stands at a record's path a name that says what it is.
func moveAside(path string) error {
	return os.Rename(path, fmt.Sprintf("%s.%016x.damaged", path, newToken()))
}
