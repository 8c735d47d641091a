package cachelibstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloakroom/cloakroom/internal/probe"
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
	return s.checkOwner(fi)
}

// dirMode is the mode of a directory for files of a mode.
func dirMode(files fs.FileMode) fs.FileMode {
	readable := files & 0o444
	return 0o700 | files&0o070 | readable>>2
}

// checkOwner refuses a directory of another user, unless both have agreed to
// share it by files that a common group may write. Whoever owns a directory can
// put sessions into it, also of root's program.
func (s *Store) checkOwner(fi fs.FileInfo) error {
	uid, gid := ownerOf(fi)
	if uid == os.Geteuid() {
		return nil
	}
	groups, err := os.Getgroups()
	if err != nil {
		return fail("open", "ask for the groups of this process", err)
	}
	if s.opts.Mode&0o060 == 0o060 && slices.Contains(append(groups, os.Getegid()), gid) {
		return nil
	}
	return store.WithAdvice(
		fmt.Errorf("cachelibstore: open: the directory belongs to another user (it to user %d of group %d, the program runs as user %d)", uid, gid, os.Geteuid()),
		"Run both programs as one user, or as users of one group: SESSION_FILE_MODE 0o660 on either side, and a directory of that group (chmod 2770).")
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

// Ping implements [store.Pinger]. It saves, loads, touches and deletes a record
// of its own, of which Python processes take no notice. A record that it could
// not delete expires after five minutes.
func (s *Store) Ping(ctx context.Context) error {
	return probe.Ping(ctx, "cachelibstore", s, probe.Key(), s.now())
}
