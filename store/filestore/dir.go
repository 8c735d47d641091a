package filestore

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// leafDir is the path of a directory of records, to change something in it. Its
// error matches fs.ErrNotExist if there is none. It must not be behind a
// symbolic link; whoever could plant one afterwards owns the records anyway.
func (s *Store) leafDir(l leaf) (string, error) {
	dir := filepath.Join(s.dir, l.path())
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := isDir(d); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// readyLeaf makes sure that a directory of records is there, and on the disk.
// The caller holds the shard.
func (s *Store) readyLeaf(sh *shard, l leaf) error {
	if sh.ready&l.bit() != 0 {
		return nil
	}
	root, err := s.openRoot()
	if err != nil {
		return err
	}
	defer root.Close()
	for _, d := range []string{shardName(l.shard()), l.path()} {
		if err := makeDir(root, d); err != nil {
			return err
		}
		if parent := path.Dir(d); parent != "." || sh.ready == 0 {
			// Also if d was there: its maker may have died before it synced.
			if err := s.syncDir(root, parent); err != nil {
				return err
			}
		}
	}
	sh.ready |= l.bit()
	return nil
}

// bit is that of the leaf among those of its shard.
func (l leaf) bit() uint16 { return 1 << (l & 15) }

// syncDir makes the names in a directory survive a power cut.
func (s *Store) syncDir(root *os.Root, dir string) error {
	if !s.syncs() {
		return nil
	}
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.syncFile(int(f.Fd()), "sync directory")
}

// openLeaf opens the directory that a record is in, to sync it.
func (s *Store) openLeaf(n *name) (fd int, err error) {
	return s.files.open(append(s.appendLeaf(nil, n), 0), os.O_RDONLY|directory)
}

// finish makes a change in a directory that openLeaf has opened survive a power
// cut, and closes it.
func (s *Store) finish(op string, dir int) error {
	defer closeFD(dir)
	if err := s.syncFile(dir, "sync directory"); err != nil {
		return fail(op, "sync the directory", err)
	}
	return nil
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
func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
