//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package cachelibstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// closedDoor checks that every call is an error that ends no session.
func closedDoor(t *testing.T, s *Store, old store.Record) {
	t.Helper()
	ctx := t.Context()
	s.fault = func(step string) error {
		if step == "create" {
			t.Error("a file was made, if only for a moment")
		}
		return nil
	}
	defer func() { s.fault = nil }()
	_, loadErr := s.Load(ctx, "k")
	_, saveErr := s.Save(ctx, "k", old, old)
	_, createErr := s.Save(ctx, "new", store.Record{}, old)
	_, dropErr := s.Save(ctx, "k", old, store.Record{})
	_, cleanErr := s.DeleteExpired(ctx, 1)
	for name, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Save that creates": createErr, "Save that deletes": dropErr,
		"DeleteExpired": cleanErr, "Delete": s.Delete(ctx, "k"), "Touch": s.Touch(ctx, "k", old, time.Time{}), "Ping": s.Ping(ctx)} {
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrConflict) || store.Advice(err) == "" {
			t.Errorf("%s = %v (%s), want an error with advice that no caller takes for an absent record", name, err, store.Advice(err))
		}
	}
}

// everyName lists a directory that is perhaps missing.
func everyName(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func empty(dir string) error {
	var errs []error
	for _, name := range everyName(dir) {
		errs = append(errs, os.Remove(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}

func TestDirectoryThatIsNotWhatItWas(t *testing.T) {
	away := func(dir string) error { return os.Rename(dir, dir+".away") }
	back := func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Rename(dir+".away", dir)) }
	backup := func(dir string) error { return os.CopyFS(dir+".copy", os.DirFS(dir)) }
	restore := func(dir string) error {
		return errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(dir+".copy")))
	}
	for _, c := range []struct {
		name       string
		swap, undo func(dir string) error
	}{
		{"moved away", away, back},
		{"an empty one in its place", func(dir string) error { return errors.Join(away(dir), os.Mkdir(dir, 0o700)) }, back},
		{"one of Python's in its place", func(dir string) error {
			return errors.Join(away(dir), os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, nameOf("other")), append(never.append(nil), "v"...), 0o600))
		}, back},
		{"another store in its place", func(dir string) error {
			err := away(dir)
			s, newErr := New(dir, Options{})
			if newErr != nil {
				return newErr
			}
			put(t, s, "other", "v", time.Time{})
			return errors.Join(err, s.Close())
		}, back},
		{"a file in its place", func(dir string) error { return errors.Join(away(dir), os.WriteFile(dir, nil, 0o600)) }, back},
		{"emptied", func(dir string) error { return errors.Join(backup(dir), empty(dir)) }, restore},
		{"removed and made again", func(dir string) error {
			return errors.Join(backup(dir), os.RemoveAll(dir), os.Mkdir(dir, 0o700))
		}, restore},
	} {
		for _, threshold := range []int{0, -1} {
			t.Run(fmt.Sprintf("%s/threshold=%d", c.name, threshold), func(t *testing.T) {
				s := at(t, filepath.Join(t.TempDir(), "sessions"), Options{Unsynced: true, Threshold: threshold}, vectorNow)
				old := put(t, s, "k", "old", time.Time{})
				if err := c.swap(s.dir); err != nil {
					t.Fatal(err)
				}
				before := everyName(s.dir)
				closedDoor(t, s, old)
				if after := everyName(s.dir); !slices.Equal(before, after) {
					t.Errorf("in the place of the directory is %q, before it was %q", after, before)
				}
				if err := c.undo(s.dir); err != nil {
					t.Fatal(err)
				}
				wants(t, s, "k", "old")
				missing(t, s, "absent")
				put(t, s, "new", "v", time.Time{})
				if err := s.Ping(t.Context()); err != nil {
					t.Errorf("Ping = %v, want nil", err)
				}
			})
		}
	}
}

// What the documentation says, to end all sessions while programs run; and what
// somebody may do who tidies up temporary files.
func TestFilesRemovedOnPurpose(t *testing.T) {
	for name, c := range map[string]struct {
		remove func(name string) bool
		left   bool
	}{
		"the records":         {func(name string) bool { return !strings.HasSuffix(name, tmpSuffix) }, false},
		"the temporary files": {func(name string) bool { return strings.HasSuffix(name, tmpSuffix) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := at(t, filepath.Join(t.TempDir(), "sessions"), Options{Unsynced: true}, vectorNow)
			other := at(t, s.dir, Options{Unsynced: true}, vectorNow)
			put(t, s, "k", "v", time.Time{})
			for _, name := range everyName(s.dir) {
				if c.remove(name) {
					if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, s := range []*Store{s, other} {
				missing(t, s, "absent")
				if c.left {
					wants(t, s, "k", "v")
				} else {
					missing(t, s, "k")
				}
			}
			put(t, s, "new", "v", time.Time{})
			wants(t, other, "new", "v")
		})
	}
}

func TestDirectoryOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		s, err := New("/", Options{})
		if s != nil || err == nil || !strings.Contains(err.Error(), "another user") || store.Advice(err) == "" {
			t.Errorf("New = %v, %v (%s), want an error with advice", s, err, store.Advice(err))
		}
		return
	}
	const nobody = 65534
	for name, c := range map[string]struct {
		opts    Options
		gid     int
		refused bool
	}{
		"for its owner alone":          {Options{}, nobody, true},
		"for its owner, of our group":  {Options{}, os.Getegid(), true},
		"for a group that is not ours": {Options{Mode: 0o660}, nobody, true},
		"for a group to read":          {Options{Mode: 0o640}, os.Getegid(), true},
		"for our group":                {Options{Mode: 0o660}, os.Getegid(), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.Chown(dir, nobody, c.gid), os.Chmod(dir, 0o770)); err != nil {
				t.Fatal(err)
			}
			s, err := New(dir, c.opts)
			if err == nil {
				s.Close()
			}
			if refused := err != nil && strings.Contains(err.Error(), "another user") && store.Advice(err) != ""; refused != c.refused || !refused && err != nil {
				t.Errorf("New = %v (%s), refused: %v, want %v", err, store.Advice(err), refused, c.refused)
			}
			if names := everyName(dir); c.refused && len(names) > 0 {
				t.Errorf("New left %q", names)
			}
		})
	}
}

func TestIdentityAfterAPowerCut(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", "v", time.Time{})
	s.Close()
	if err := os.Truncate(s.path(identityFile), 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s = at(t, s.dir, Options{Unsynced: true}, vectorNow)
		wants(t, s, "k", "v")
		missing(t, s, "absent")
	}
}

// Records that another directory holds are not read either, after a moment.
func TestRecordsOfAnotherDirectoryAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := t.TempDir()
		open := func(name, data string) *Store {
			s, err := New(filepath.Join(base, name), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte(data)}); err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open("here", "\x80")
		defer s.Close()
		if err := open("other", "\x81\xa1a\x01").Close(); err != nil {
			t.Fatal(err)
		}
		for _, m := range [][2]string{{"here", "x"}, {"other", "here"}} {
			if err := os.Rename(filepath.Join(base, m[0]), filepath.Join(base, m[1])); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(watchEvery)
		if r, err := s.Load(t.Context(), "k"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("read %q, %v", r.Data, err)
		}
	})
}
