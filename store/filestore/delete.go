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
	sh.release()
	if dir == nil {
		return err
	}
	defer dir.Close()
	if err != nil {
		return err
	}
	// Also if there was nothing to remove: whoever removed it may not have
	// synced yet, or may have died before.
	return s.finish(op, dir)
}

// remove removes a record's file, if there is one, for a caller that holds the
// shard. It returns the leaf, if there is one.
func (s *Store) remove(op string, n *name) (*os.Root, error) {
	dir, err := s.openLeaf(n.leaf())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.checkRoot(op)
	}
	if err != nil {
		return nil, fail(op, "open the record's directory", err)
	}
	if err := s.step("remove"); err != nil {
		return dir, fail(op, "remove", err)
	}
	err = dir.Remove(string(n[:]))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, s.checkRoot(op)
	}
	if err != nil {
		if fi, statErr := dir.Lstat(string(n[:])); statErr == nil && fi.IsDir() {
			err = rename(dir, n) // a directory with something in it
		}
	}
	if err != nil {
		return dir, fail(op, "remove", err)
	}
	return dir, nil
}

// setAside renames the damaged file that err is about, for a caller that holds
// the shard, and returns err.
func (s *Store) setAside(n *name, err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	dir, asideErr := s.openLeaf(n.leaf())
	if asideErr == nil {
		defer dir.Close()
		asideErr = rename(dir, n)
	}
	if asideErr == nil {
		asideErr = s.syncDir(dir, ".")
	}
	if asideErr != nil {
		return fmt.Errorf("%w; and it could not be set aside: %w", err, bare(asideErr))
	}
	return err
}

// rename gives what stands at a record's name a name that says what it is.
func rename(dir *os.Root, n *name) error {
	return dir.Rename(string(n[:]), fmt.Sprintf("%s.%016x.damaged", n[:], newToken()))
}
