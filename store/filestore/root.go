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
	if err := checkOwner(fi); err != nil {
		return err
	}
	if err := s.closeRoot(fi); err != nil {
		return err
	}
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

// checkOwner refuses a directory that belongs to somebody else, who could put
// sessions into it, and so log in as anybody. A mode that keeps others out does
// not keep the owner out, and root may use whatever is there.
func checkOwner(fi fs.FileInfo) error {
	theirs, ours := owner(fi), os.Geteuid()
	if theirs == ours {
		return nil
	}
	return store.WithAdvice(
		fmt.Errorf("filestore: open: the directory belongs to another user (it to user %d, the program runs as %d)", theirs, ours),
		"Run the program as the user who owns the session directory (sudo -u, User= in systemd), or name one that does not exist yet. "+
			"Do not take over what somebody else has filled: sessions may have been planted there.")
}

// closeRoot makes sure that group and others cannot get at the directory. It
// changes the mode only of a directory that is empty: of any other it cannot
// know who else relies on it (it might be /tmp).
func (s *Store) closeRoot(fi fs.FileInfo) error {
	if fi.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fail("open", "read the directory", err)
	}
	if len(entries) > 0 {
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
	if err := s.replaceFile(root, formatFile, formatText); err != nil {
		return fail(op, "write the format", err)
	}
	return nil
}

// replaceFile puts a file with that text into the root, in one step.
func (s *Store) replaceFile(root *os.Root, name, text string) error {
	tmp := scratchName()
	if err := s.writeScratch(root, tmp, text); err != nil {
		return err
	}
	err := root.Rename(tmp, name)
	if err != nil {
		_ = root.Remove(tmp)
	}
	return err
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
	return err == nil && len(name) == 2 || name == locksDir || name == formatFile || name == identityFile || strings.HasPrefix(name, scratch) ||
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
	root, err := s.openRoot()
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
