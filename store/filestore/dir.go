package filestore

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

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
