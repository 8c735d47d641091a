package cachelibstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloakroom/cloakroom/store"
)

// makeDir makes the directory if it is missing, or checks the one that is
// there.
func (s *Store) makeDir() error {
	const op = "open"
	if err := os.MkdirAll(filepath.Dir(s.dir), 0o755); err != nil {
		return fail(op, "make the directory", err)
	}
	err := os.Mkdir(s.dir, 0o700)
	if err == nil {
		err = os.Chmod(s.dir, dirMode(s.opts.Mode)) // whatever the umask
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return fail(op, "make the directory", err)
	}
	fi, err := os.Stat(s.dir)
	if err != nil {
		return fail(op, "look at the directory", err)
	}
	if !fi.IsDir() {
		return store.WithAdvice(errors.New("cachelibstore: open: not a directory"),
			"Name a directory, or a path where one can be made.")
	}
	if fi.Mode().Perm()&0o002 != 0 {
		return store.WithAdvice(
			fmt.Errorf("cachelibstore: open: everybody may write to the directory (mode %04o) and could plant sessions in it", fi.Mode().Perm()),
			"Close the session directory to others (chmod o-w), or name one of the application's own.")
	}
	s.device.Store(deviceOf(fi))
	return nil
}

// dirMode is the mode of a directory for files of a mode.
func dirMode(files fs.FileMode) fs.FileMode {
	readable := files & 0o444
	return 0o700 | files&0o070 | readable>>2
}

// checkDir tells a record that is missing from a directory that is missing: an
// unmounted volume must not look like the end of all sessions.
func (s *Store) checkDir(op string) error {
	fi, err := os.Stat(s.dir)
	if err != nil {
		return fail(op, "look at the session directory", err)
	}
	if deviceOf(fi) == s.device.Load() {
		return nil
	}
	if _, err := os.Lstat(s.path(lockFile)); err != nil {
		return store.WithAdvice(
			fmt.Errorf("cachelibstore: %s: the session directory is not what it was when the store was opened", op), adviseMissing)
	}
	s.device.Store(deviceOf(fi)) // mounted again, under another number
	return nil
}

// syncDir makes the names in the directory survive a power cut.
func (s *Store) syncDir(op string) error {
	if s.opts.Unsynced {
		return nil
	}
	d, err := os.Open(s.dir)
	if err == nil {
		err = errors.Join(s.step("sync directory"), d.Sync(), d.Close())
	}
	if err != nil {
		return fail(op, "sync the directory", err)
	}
	return nil
}

// Ping implements [store.Pinger]: it writes a small file and removes it.
func (s *Store) Ping(ctx context.Context) error {
	const op = "ping"
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	if err := s.checkDir(op); err != nil {
		return err
	}
	f, err := s.writeTmp(never.append(nil), true)
	if err != nil {
		return fail(op, "write a file", err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fail(op, "remove a file", err)
	}
	return nil
}
