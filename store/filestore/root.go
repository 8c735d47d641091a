package filestore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	if err := s.syncFile(int(parent.Fd()), "sync parent"); err != nil {
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
	if err := s.checkForeign(); err != nil {
		return err
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

// checkForeign refuses a directory in which somebody else keeps files: a store
// that moved in could remove one that is named like its own, and whoever wants
// to be rid of the sessions would remove them all.
func (s *Store) checkForeign() error {
	names, err := readNames(s.dir)
	if err != nil {
		return fail("open", "read the directory", err)
	}
	for _, name := range names {
		if !ours(name) {
			return store.WithAdvice(errors.New("filestore: open: the directory holds files that are not the store's"),
				"Name a directory of the store's own, best one that does not exist yet.")
		}
	}
	return nil
}

// ours reports whether a name in the root may be the store's, whose mark may be
// missing because somebody has removed it or is about to make it.
func ours(name string) bool {
	_, err := hex.DecodeString(name)
	return err == nil && len(name) == 2 || name == locksDir || name == formatFile || strings.HasPrefix(name, scratch) ||
		name == "lost+found" // of a file system of the store's own
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
		err = s.syncFile(int(f.Fd()), "sync scratch")
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
	names, err := readNames(s.dir)
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
	s.judgeDevice()
	return nil
}
