package cachelibstore

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// The lock keeps away other users of this package, but not cachelib, which may
// replace or remove a file between any two steps. So what was compared is
// known by its open file, whose inode cannot be given away, and each change is
// one step that either meets that file or can be taken back.

// install moves the file tmp to path, where cur must stand, or nothing if cur
// is nil. Otherwise it answers store.ErrConflict, and whatever is at path is
// another program's newest. When it fails, what still has tmp's name is left
// to the caller to remove.
func (s *Store) install(tmp *os.File, path string, cur *os.File) error {
	if err := s.step("rename"); err != nil {
		return err
	}
	if cur == nil {
		return s.installNew(tmp.Name(), path)
	}
	err := s.exchange(tmp.Name(), path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return store.ErrConflict // deleted, and not to come back
	case errors.Is(err, flock.ErrNoSwap):
		if !flock.IsAt(cur, path) {
			return store.ErrConflict
		}
		return os.Rename(tmp.Name(), path)
	case err != nil:
		return err
	case flock.IsAt(cur, tmp.Name()):
		_ = os.Remove(tmp.Name())
		return nil
	}
	return s.giveBack(tmp, path)
}

func (s *Store) installNew(tmp, path string) error {
	err := s.renameNew(tmp, path)
	if errors.Is(err, flock.ErrNoSwap) {
		if _, err := os.Lstat(path); err == nil {
			return store.ErrConflict
		}
		return os.Rename(tmp, path)
	}
	if errors.Is(err, fs.ErrExist) {
		return store.ErrConflict
	}
	return err
}

// giveBack undoes an exchange that brought out another file than the one that
// was compared. It goes on until what comes out is what was put in last, since
// meanwhile the other program may have written yet again.
func (s *Store) giveBack(ours *os.File, path string) error {
	tmp := ours.Name()
	placed, err := ours.Stat()
	if err != nil {
		return err
	}
	theirs, err := os.Lstat(tmp)
	if err != nil {
		return err
	}
	for {
		err := s.step("give back")
		if err == nil {
			err = s.exchange(tmp, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return store.ErrConflict // deleted meanwhile
		}
		if err != nil { // then without a second look
			return cmp.Or(os.Rename(tmp, path), store.ErrConflict)
		}
		out, err := os.Lstat(tmp)
		if err != nil {
			return err
		}
		if os.SameFile(out, placed) {
			return store.ErrConflict
		}
		placed, theirs = theirs, out
	}
}

// take removes the file at path, which must be cur; otherwise it answers
// store.ErrConflict. It renames first and looks then, since a removal cannot
// be taken back.
func (s *Store) take(path string, cur *os.File) error {
	if err := s.step("remove"); err != nil {
		return err
	}
	tmp := s.path(tmpName())
	err := os.Rename(path, tmp)
	if errors.Is(err, fs.ErrNotExist) {
		return store.ErrConflict
	}
	if err != nil {
		return err
	}
	if flock.IsAt(cur, tmp) {
		_ = os.Remove(tmp)
		return nil
	}
	err = s.renameNew(tmp, path)
	if errors.Is(err, flock.ErrNoSwap) {
		err = os.Link(tmp, path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // or there is a yet newer one
		return err
	}
	return errors.Join(store.ErrConflict, ignoreMissing(os.Remove(tmp)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// exchange swaps two files in one step.
func (s *Store) exchange(a, b string) error {
	if s.plainRename {
		return flock.ErrNoSwap
	}
	return flock.Exchange(cPath(a), cPath(b))
}

// renameNew renames a file unless there is one of the new name.
func (s *Store) renameNew(from, to string) error {
	if s.plainRename {
		return flock.ErrNoSwap
	}
	return flock.RenameNew(cPath(from), cPath(to))
}

// cPath is a path with the zero byte that system calls want.
func cPath(path string) []byte { return append([]byte(path), 0) }
