//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func TestModesWhateverTheUmask(t *testing.T) {
	run(t, "umask 0")
	run(t, "umask 0777")
}

func childUmask(dir string, umask int) error {
	syscall.Umask(umask)
	if err := dropRoot(); err != nil {
		return err
	}
	s, err := New(dir, Options{SweepInterval: -1})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	for i := range 20 {
		key := fmt.Sprint("k", i)
		r, err := s.Save(ctx, key, store.Record{}, store.Record{Data: []byte("v")})
		if err == nil {
			r, err = s.Save(ctx, key, r, r)
		}
		if err == nil {
			err = s.Touch(ctx, key, r, time.Time{})
		}
		if err == nil {
			_, err = s.Load(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	if _, _, err := s.sweep(ctx); err != nil {
		return err
	}
	if err := s.Ping(ctx); err != nil {
		return err
	}
	n := 0
	err = fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if fi.IsDir() {
			want = fs.ModeDir | 0o700
		}
		if fi.Mode() != want {
			return fmt.Errorf("%s has mode %v, want %v", path, fi.Mode(), want)
		}
		n++
		return nil
	})
	if n < 60 {
		return fmt.Errorf("only %d files, %w", n, err)
	}
	return err
}

// A process that dies between making a directory and giving it its mode must
// not lock the others out.
func TestMendsModesThatAnotherLeft(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", "v")
	leaf := filepath.Dir(fileOf(s, "k"))
	lock := filepath.Join(s.dir, locksDir, shardName(shardOf("k")))
	if err := errors.Join(os.Remove(fileOf(s, "k")), os.Chmod(leaf, 0), os.Chmod(lock, 0)); err != nil {
		t.Fatal(err)
	}
	fresh := open(t, s.dir, Options{SweepInterval: -1})
	put(t, fresh, "k", "v")
	for path, want := range map[string]fs.FileMode{leaf: fs.ModeDir | 0o700, lock: 0o600} {
		if fi, err := os.Stat(path); err != nil || fi.Mode() != want {
			t.Errorf("mode %v, %v, want %v", fi.Mode(), err, want)
		}
	}
}

func TestRootDirectory(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(dir string) error
		refused string
	}{
		{"missing, with its parents", func(dir string) error { return os.RemoveAll(dir) }, ""},
		{"ours alone", func(dir string) error { return os.Chmod(dir, 0o700) }, ""},
		{"empty and readable to others", func(dir string) error { return os.Chmod(dir, 0o755) }, ""},
		{"empty and writable to others", func(dir string) error { return os.Chmod(dir, 0o777) }, ""},
		{"in use and readable to others", func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "x"), nil, 0o600), os.Chmod(dir, 0o755))
		}, "mode 0755"},
		{"in use and readable to the group", func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "x"), nil, 0o600), os.Chmod(dir, 0o750))
		}, "mode 0750"},
		{"somebody's home", func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "scratch-book.txt"), nil, 0o600),
				os.WriteFile(filepath.Join(dir, "letter.txt"), nil, 0o600), os.Chmod(dir, 0o700))
		}, "not the store's"},
		{"what a maker left that was killed", func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, scratchName()), nil, 0o600), os.Chmod(dir, 0o700))
		}, ""},
		{"without its mark", func(dir string) error {
			s, err := New(dir, Options{SweepInterval: -1})
			if err != nil {
				return err
			}
			_, err = s.Save(context.Background(), "other", store.Record{}, store.Record{Data: []byte("v")})
			return errors.Join(err, s.Close(), os.Remove(filepath.Join(dir, formatFile)), os.Mkdir(filepath.Join(dir, "lost+found"), 0o700))
		}, ""},
		{"a file", func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		}, "not a directory"},
		{"below a file", func(dir string) error {
			parent := filepath.Dir(dir)
			return errors.Join(os.RemoveAll(parent), os.WriteFile(parent, nil, 0o600))
		}, "not a directory"},
		{"of the next version", func(dir string) error {
			return errors.Join(os.Chmod(dir, 0o700), os.WriteFile(filepath.Join(dir, formatFile), []byte("cloakroom file store, format 2\n"), 0o600))
		}, "format"},
		{"behind a symbolic link", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir))
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Stat(dir)
			s, err := New(dir, Options{SweepInterval: -1})
			if c.refused != "" {
				if s != nil || err == nil || !strings.Contains(err.Error(), c.refused) || store.Advice(err) == "" {
					t.Errorf("New = %v, %v (%s), want an error with %q and advice", s, err, store.Advice(err), c.refused)
				}
				if after, _ := os.Stat(dir); before != nil && after.Mode() != before.Mode() {
					t.Errorf("the mode changed from %v to %v", before.Mode(), after.Mode())
				}
				return
			}
			if err != nil {
				t.Fatalf("New = %v, want nil", err)
			}
			defer s.Close()
			put(t, s, "k", "v")
			if fi, err := os.Stat(dir); err != nil || fi.Mode() != fs.ModeDir|0o700 {
				t.Errorf("mode %v, %v, want 0700", fi.Mode(), err)
			}
			again := open(t, dir, Options{SweepInterval: -1})
			wants(t, again, "k", "v")
		})
	}
	if _, err := New("", Options{}); err == nil {
		t.Error("New without a directory = nil, want an error")
	}
}
