package cachelibstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func TestDirectory(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(dir string) error
		opts    Options
		mode    fs.FileMode
		refused string
	}{
		{"missing, with its parents", os.RemoveAll, Options{}, 0o700, ""},
		{"missing, for a group", os.RemoveAll, Options{Mode: 0o660}, 0o770, ""},
		{"missing, for a group to read", os.RemoveAll, Options{Mode: 0o640}, 0o750, ""},
		{"made by Python", func(dir string) error { return os.Chmod(dir, 0o755) }, Options{}, 0o755, ""},
		{"writable by everybody", func(dir string) error { return os.Chmod(dir, 0o777) }, Options{}, 0o777, "mode 0777"},
		{"a file", func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		}, Options{}, 0o600, "not a directory"},
		{"behind a symbolic link", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir))
		}, Options{}, 0o755, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			if err := errors.Join(os.MkdirAll(dir, 0o755), c.prepare(dir)); err != nil {
				t.Fatal(err)
			}
			s, err := New(dir, c.opts)
			if c.refused != "" {
				if s != nil || err == nil || !strings.Contains(err.Error(), c.refused) || store.Advice(err) == "" {
					t.Errorf("New = %v, %v (%s), want an error with %q and advice", s, err, store.Advice(err), c.refused)
				}
			} else if err != nil {
				t.Fatalf("New = %v, want nil", err)
			} else {
				defer s.Close()
				put(t, s, "k", "v", time.Time{})
				counts(t, s, 1)
			}
			if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != c.mode {
				t.Errorf("mode %v, %v, want %v", fi.Mode(), err, c.mode)
			}
		})
	}
	if _, err := New("", Options{}); err == nil {
		t.Error("New without a directory = nil, want an error")
	}
}

func TestModeOfEveryFile(t *testing.T) {
	s := at(t, t.TempDir(), Options{Unsynced: true, Mode: 0o660}, vectorNow)
	r := put(t, s, "k", "v", time.Time{})
	if _, err := s.Save(t.Context(), "k", r, store.Record{Data: []byte("w")}); err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	for _, name := range []string{nameOf("k"), countFile, lockFile, turnFile} {
		if fi, err := os.Stat(s.path(name)); err != nil || fi.Mode() != 0o660 {
			t.Errorf("%s has mode %v, %v, want 0660", name, fi.Mode(), err)
		}
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	s := quiet(t)
	other := at(t, s.dir, Options{Unsynced: true}, vectorNow)
	put(t, s, "k", "v", time.Time{})
	err := other.underLock(t.Context(), "hold", func() error {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errInjected)
		defer cancel()
		if err := s.Delete(ctx, "k"); !errors.Is(err, errInjected) {
			t.Errorf("Delete under another's lock = %v, want the cause of the context's end", err)
		}
		wants(t, s, "k", "v") // needs no lock
		closed := make(chan error)
		go func() { closed <- s.Touch(context.Background(), "k", store.Record{}, time.Time{}) }()
		s.Close()
		return <-closed
	})
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("Touch after Close = %v, want ErrClosed", err)
	}
	wants(t, other, "k", "v")
}

// Somebody may clean up temporary files, and the lock's name looks like one.
func TestRemovedLockFileIsNotTrusted(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", "v", time.Time{})
	if err := os.Remove(s.path(lockFile)); err != nil {
		t.Fatal(err)
	}
	other := at(t, s.dir, Options{Unsynced: true}, vectorNow) // makes a new one
	err := other.underLock(t.Context(), "hold", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		return s.Delete(ctx, "k")
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Delete under another's lock = %v, want DeadlineExceeded", err)
	}
}
