//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package flock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(path string) error
		mode    fs.FileMode
		want    fs.FileMode // of the file; zero if Open is to fail
		err     error
	}{
		{"missing", func(string) error { return nil }, 0o600, 0o600, nil},
		{"missing, for a group", func(string) error { return nil }, 0o660, 0o660, nil},
		{"its maker died early", func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0))
		}, 0o600, 0o600, nil},
		{"open to more", func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o660))
		}, 0o600, 0o660, nil},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, 0o600, 0, syscall.EISDIR},
		{"a pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }, 0o600, 0, ErrNotFile},
		{"a symbolic link", func(path string) error {
			return errors.Join(os.WriteFile(path+"2", nil, 0o600), os.Symlink(path+"2", path))
		}, 0o600, 0, syscall.ELOOP},
		{"no directory", func(path string) error { return os.Remove(filepath.Dir(path)) }, 0o600, 0, fs.ErrNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "dir", "lock")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), c.prepare(path)); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path, c.mode)
			if c.want == 0 {
				if f != nil || !errors.Is(err, c.err) && !(c.err == syscall.ELOOP && errors.Is(err, syscall.EMLINK)) {
					t.Errorf("Open = %v, %v, want %v", f, err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Open = %v, want nil", err)
			}
			defer f.Close()
			if fi, err := os.Lstat(path); err != nil || fi.Mode() != c.want {
				t.Errorf("mode %v, %v, want %v", fi.Mode(), err, c.want)
			}
		})
	}
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := Open(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFileLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	a, b := open(t, path), open(t, path)
	if IsLocked(b) {
		t.Error("a file is locked that nobody has locked")
	}
	b.Close() // and with it what IsLocked took
	b = open(t, path)
	if got, err := Try(a); !got || err != nil {
		t.Errorf("Try = %v, %v, want true", got, err)
	}
	if got, err := Try(b); got || err != nil {
		t.Errorf("Try of a locked file = %v, %v, want false", got, err)
	}
	if !IsLocked(b) {
		t.Error("a locked file is not locked")
	}
	Drop(a)
	if got, err := Try(b); !got || err != nil {
		t.Errorf("Try after Drop = %v, %v, want true", got, err)
	}
}

func TestIsAt(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "f"), filepath.Join(dir, "link")
	f := open(t, path)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	is := func(path string, want bool) {
		t.Helper()
		if got := IsAt(f, path); got != want {
			t.Errorf("IsAt(%s) = %v, want %v", filepath.Base(path), got, want)
		}
	}
	is(path, true)
	is(link, false)
	is(path+"x", false)
	if err := os.Rename(path, path+"x"); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	is(path, false)
	is(path+"x", true)
}

func TestExchangeAndRenameNew(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	c := func(name string) []byte { return append([]byte(path(name)), 0) }
	write := func(name string) {
		if err := os.WriteFile(path(name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(name, want string) {
		t.Helper()
		if b, err := os.ReadFile(path(name)); string(b) != want {
			t.Errorf("%s holds %q, %v, want %q", name, b, err, want)
		}
	}
	write("a")
	write("b")
	if err := Exchange(c("a"), c("b")); errors.Is(err, ErrNoSwap) {
		t.Log("not tested here: ", err)
		return
	} else if err != nil {
		t.Errorf("Exchange = %v, want nil", err)
	}
	holds("a", "b")
	holds("b", "a")
	if err := Exchange(c("a"), c("none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Exchange with nothing = %v, want fs.ErrNotExist", err)
	}
	if err := RenameNew(c("a"), c("b")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("RenameNew over a file = %v, want fs.ErrExist", err)
	}
	holds("a", "b")
	if err := RenameNew(c("a"), c("new")); err != nil {
		t.Errorf("RenameNew = %v, want nil", err)
	}
	holds("new", "b")
	if err := RenameNew(c("a"), c("newer")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("RenameNew of nothing = %v, want fs.ErrNotExist", err)
	}
}
