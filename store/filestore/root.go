package filestore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const (
	dirMode    = 0o700
	fileMode   = 0o600
	formatFile = "format"
	formatText = "cloakroom file store, format 1\n"

	// scratch begins the names of short-lived files in the root. A process that
	// is killed may leave one, which a sweep removes.
	scratch = "scratch-"
)

// makeRoot makes the store's directory and the missing ones above it, or
// checks one that is there.
func (s *Store) makeRoot(dir string) error {
	const op = "open"
	err := os.Mkdir(dir, dirMode)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err := s.makeRoot(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, dirMode)
	}
	switch {
	case err == nil:
		if err := os.Chmod(dir, dirMode); err != nil { // the umask took some away
			return fail(op, "set the directory's mode", err)
		}
		return s.syncParent(dir)
	case errors.Is(err, fs.ErrExist):
		return nil
	}
	return fail(op, "make the directory", err)
}

func (s *Store) syncParent(dir string) error {
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return fail("open", "sync the parent directory", err)
	}
	defer parent.Close()
	if err := s.syncFile(parent, "sync parent"); err != nil {
		return fail("open", "sync the parent directory", err)
	}
	return nil
}

// claimRoot makes sure that the root is ours alone and of a format that we
// know, and marks it.
func (s *Store) claimRoot() error {
	const op = "open"
	fi, err := os.Stat(s.dir)
	if err != nil {
		return fail(op, "look at the directory", err)
	}
	if !fi.IsDir() {
		return store.WithAdvice(errors.New("filestore: open: not a directory"),
			"Name a directory, or a path where one can be made.")
	}
	if err := s.closeRoot(fi); err != nil {
		return err
	}
	device, err := isDir(s.dir)
	if err != nil {
		return fail(op, "look at the directory", err)
	}
	s.device.Store(device)
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fail(op, "open the directory", err)
	}
	defer root.Close()
	if err := s.checkFormat(root); err != nil {
		return err
	}
	if err := makeDir(root, locksDir); err != nil {
		return fail(op, "make the directory of locks", err)
	}
	return nil
}

// closeRoot makes sure that group and others cannot get at the directory. It
// changes the mode only of a directory that is empty and ours: of any other it
// cannot know who else relies on it (it might be /tmp).
func (s *Store) closeRoot(fi fs.FileInfo) error {
	if fi.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fail("open", "read the directory", err)
	}
	if len(entries) > 0 || owner(fi) != os.Geteuid() {
		return store.WithAdvice(
			fmt.Errorf("filestore: open: the directory is open to group or others (mode %04o)", fi.Mode().Perm()),
			"Name a directory of the store's own that does not exist yet, or close this one if nothing else uses it (chmod 700).")
	}
	if err := os.Chmod(s.dir, dirMode); err != nil {
		return fail("open", "set the directory's mode", err)
	}
	return nil
}

// checkFormat reads the mark that says which format the directory has, and
// sets it in a new one.
func (s *Store) checkFormat(root *os.Root) error {
	const op = "open"
	text, err := root.ReadFile(formatFile)
	switch {
	case err == nil && string(text) == formatText:
		return nil
	case err == nil:
		return fail(op, "check the format", fmt.Errorf("%w: the directory has another format", store.ErrUnsupported))
	case !errors.Is(err, fs.ErrNotExist):
		return fail(op, "read the format", err)
	}
	tmp := scratchName()
	if err := s.writeScratch(root, tmp, formatText); err != nil {
		return fail(op, "write the format", err)
	}
	if err := root.Rename(tmp, formatFile); err != nil {
		_ = root.Remove(tmp)
		return fail(op, "write the format", err)
	}
	return nil
}

func scratchName() string { return scratch + rand.Text() }

// writeScratch writes a new file in the root; none is left if that fails.
func (s *Store) writeScratch(root *os.Root, name, text string) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	err = setMode(f, fileMode)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = s.syncFile(f, "sync scratch")
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		_ = root.Remove(name)
	}
	return err
}

// removeScratch removes what killed processes left in the root.
func (s *Store) removeScratch() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	names, err := readNames(root)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, scratch) {
			continue
		}
		// Not those that a living process has just made.
		if fi, err := root.Lstat(name); err == nil && time.Since(fi.ModTime()) > time.Hour {
			_ = root.Remove(name)
		}
	}
	return nil
}

// checkRoot tells a record that is missing from a store that is missing: an
// unmounted volume leaves an empty directory, and must not look like the end
// of all sessions.
func (s *Store) checkRoot(op string) error {
	device, err := isDir(s.dir)
	if err != nil {
		return fail(op, "look at the session directory", err)
	}
	if device == s.device.Load() {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(s.dir, formatFile))
	if err != nil || string(text) != formatText {
		return store.WithAdvice(
			fmt.Errorf("filestore: %s: the session directory is not what it was when the store was opened", op),
			adviseMissing)
	}
	s.device.Store(device) // mounted again, under another number
	return nil
}

// openLeaf opens a directory of records, to change something in it. Its
// error matches fs.ErrNotExist if there is none.
func (s *Store) openLeaf(l leaf) (*os.Root, error) {
	dir := filepath.Join(s.dir, l.path())
	for _, d := range []string{filepath.Dir(dir), dir} {
		if _, err := isDir(d); err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(dir)
}

// makeLeaf is openLeaf, but makes what is missing. The caller holds the shard.
func (s *Store) makeLeaf(sh *shard, l leaf) (*os.Root, error) {
	bit := uint16(1) << (l & 15)
	if sh.synced&bit != 0 {
		if r, err := s.openLeaf(l); !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, d := range []string{shardName(l.shard()), l.path()} {
		if err := makeDir(root, d); err != nil {
			return nil, err
		}
		if parent := path.Dir(d); parent != "." || sh.synced == 0 {
			// Also if d was there: its maker may have died before it synced.
			if err := s.syncDir(root, parent); err != nil {
				return nil, err
			}
		}
	}
	r, err := s.openLeaf(l)
	if err == nil {
		sh.synced |= bit
	}
	return r, err
}

// syncDir makes the names in a directory survive a power cut.
func (s *Store) syncDir(root *os.Root, dir string) error {
	if s.opts.Unsynced && s.fault == nil {
		return nil
	}
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.syncFile(f, "sync directory")
}

// makeDir makes a directory of mode 0700, whatever the umask, unless there is
// one.
func makeDir(root *os.Root, name string) error {
	err := root.Mkdir(name, dirMode)
	if err == nil {
		return root.Chmod(name, dirMode)
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	mend(root, name, dirMode)
	return nil
}

// mend gives a file or directory of ours its mode if its maker died, or is,
// between making it under a strict umask and doing that itself.
func mend(root *os.Root, name string, mode fs.FileMode) bool {
	fi, err := root.Lstat(name)
	if err != nil || fi.Mode()&fs.ModeSymlink != 0 || fi.Mode().Perm()&mode == mode {
		return false
	}
	return root.Chmod(name, mode) == nil
}

// setMode gives a new file its mode, whatever the umask.
func setMode(f *os.File, mode fs.FileMode) error {
	fi, err := f.Stat()
	if err != nil || fi.Mode().Perm() == mode {
		return err
	}
	return f.Chmod(mode)
}

// readNames returns the names in a directory.
func readNames(dir *os.Root) ([]string, error) {
	f, err := dir.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
