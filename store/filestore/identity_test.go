//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// everyCall calls every method of a store that has the record old under "k".
func everyCall(ctx context.Context, s *Store, old store.Record) map[string]error {
	_, loadErr := s.Load(ctx, "k")
	_, absentErr := s.Load(ctx, "absent")
	_, saveErr := s.Save(ctx, "k", old, old)
	_, createErr := s.Save(ctx, "new", store.Record{}, old)
	_, dropErr := s.Save(ctx, "k", old, store.Record{})
	_, cleanErr := s.DeleteExpired(ctx, 1)
	_, _, sweepErr := s.sweep(ctx)
	var listErr error
	for _, err := range s.List(ctx, "") {
		listErr = err
	}
	return map[string]error{"Load": loadErr, "Load of what was never there": absentErr, "Save": saveErr,
		"Save that creates": createErr, "Save that deletes": dropErr, "DeleteExpired": cleanErr, "sweep": sweepErr,
		"List": listErr, "Delete": s.Delete(ctx, "k"), "Ping": s.Ping(ctx), "Touch": s.Touch(ctx, "k", old, time.Time{})}
}

// closedDoor checks that each call is an error that ends no session.
func closedDoor(ctx context.Context, s *Store, old store.Record) error {
	var errs []error
	for name, err := range everyCall(ctx, s, old) {
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, fs.ErrNotExist) ||
			errors.Is(err, store.ErrConflict) || store.Advice(err) == "" {
			errs = append(errs, fmt.Errorf("%s = %v (%s), want an error with advice that no caller takes for an absent record", name, err, store.Advice(err)))
		}
	}
	for e, err := range s.List(ctx, "") {
		if err == nil {
			errs = append(errs, fmt.Errorf("List yields %q, which is another store's", e.Key))
		}
	}
	return errors.Join(errs...)
}

// below lists the files below a directory that is perhaps missing. Locks of a
// store do not count: they are empty, and it has them sooner or later anyway.
func below(t *testing.T, dir string) []string {
	t.Helper()
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return nil
	}
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Base(filepath.Dir(path)) != locksDir {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// empty removes all that is in a directory.
func empty(dir string) error {
	names, err := readNames(dir)
	for _, name := range names {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	return err
}

func TestDirectoryThatIsNotWhatItWas(t *testing.T) {
	away := func(dir string) error { return os.Rename(dir, dir+".away") }
	back := func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Rename(dir+".away", dir)) }
	// What is gone comes back from a copy, as of a backup.
	backup := func(dir string) error { return os.CopyFS(dir+".copy", os.DirFS(dir)) }
	restore := func(dir string) error {
		err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(dir+".copy")))
		return errors.Join(err, os.Chmod(dir, 0o700))
	}
	for _, c := range []struct {
		name       string
		swap, undo func(dir string) error
	}{
		{"moved away", away, back},
		{"an empty one in its place", func(dir string) error { return errors.Join(away(dir), os.Mkdir(dir, 0o700)) }, back},
		{"an empty one that is open to all", func(dir string) error {
			return errors.Join(away(dir), os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777))
		}, back},
		{"another store in its place", func(dir string) error {
			if err := away(dir); err != nil {
				return err
			}
			s, err := New(dir, Options{SweepInterval: -1})
			if err != nil {
				return err
			}
			for i := range 100 {
				put(t, s, fmt.Sprint("other", i), "v")
			}
			return s.Close()
		}, back},
		{"a file in its place", func(dir string) error { return errors.Join(away(dir), os.WriteFile(dir, nil, 0o600)) }, back},
		{"a symbolic link to nothing", func(dir string) error { return errors.Join(away(dir), os.Symlink(dir+".none", dir)) }, back},
		{"emptied", func(dir string) error { return errors.Join(backup(dir), empty(dir)) }, restore},
		{"removed and made again", func(dir string) error {
			return errors.Join(backup(dir), os.RemoveAll(dir), os.Mkdir(dir, 0o700))
		}, restore},
		{"emptied and opened by a new program", func(dir string) error {
			err := errors.Join(backup(dir), empty(dir))
			s, newErr := New(dir, Options{SweepInterval: -1})
			if newErr != nil {
				return newErr
			}
			return errors.Join(err, s.Close())
		}, restore},
	} {
		for _, opts := range []Options{{SweepInterval: -1}, {SweepInterval: -1, Unsynced: true, Cache: -1}} {
			t.Run(fmt.Sprintf("%s/unsynced=%v", c.name, opts.Unsynced), func(t *testing.T) {
				s := open(t, filepath.Join(t.TempDir(), "sessions"), opts)
				old := put(t, s, "k", "old")
				put(t, s, "gone", "v")
				if err := s.Delete(t.Context(), "gone"); err != nil {
					t.Fatal(err)
				}
				if err := c.swap(s.dir); err != nil {
					t.Fatal(err)
				}
				before := below(t, s.dir)
				for range 2 {
					if err := closedDoor(t.Context(), s, old); err != nil {
						t.Error(err)
					}
				}
				if after := below(t, s.dir); !slices.Equal(before, after) {
					t.Errorf("in the place of the directory are %d files, before there were %d", len(after), len(before))
				}
				if err := c.undo(s.dir); err != nil {
					t.Fatal(err)
				}
				if r := wants(t, s, "k", "old"); r.Token != old.Token {
					t.Error("the record changed")
				}
				if _, err := s.Load(t.Context(), "absent"); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("Load of nothing = %v, want ErrNotFound", err)
				}
				for name, err := range everyCall(t.Context(), s, old) {
					if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
						t.Errorf("when it is back, %s = %v", name, err)
					}
				}
			})
		}
	}
}

// Before any step of a save, the directory may go. Nothing is then made in what
// is there instead.
func TestDirectoryThatGoesBeforeAStep(t *testing.T) {
	for _, step := range []string{"sync directory", "create", "write", "sync", "rename"} {
		t.Run(step, func(t *testing.T) {
			s := quiet(t)
			old := put(t, s, "k", "old")
			away := s.dir + ".away"
			for key, prev := range map[string]store.Record{"k": old, "new": {}} {
				gone := false
				s.fault = func(at string) error {
					if at != step || gone {
						return nil
					}
					gone = true
					return errors.Join(os.Rename(s.dir, away), os.Mkdir(s.dir, 0o700))
				}
				_, err := s.Save(t.Context(), key, prev, store.Record{Data: []byte("new")})
				s.fault = nil
				if !gone {
					t.Fatalf("a save has no step %q", step)
				}
				// What has got its name is only to be synced, where it is.
				if done := step == "sync directory" && key == "k"; done != (err == nil) {
					t.Errorf("Save = %v", err)
				}
				if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
					t.Errorf("Save = %v, which says something about the record", err)
				}
				if names := below(t, s.dir); len(names) != 1 {
					t.Errorf("in the empty directory there is %q", names)
				}
				if err := errors.Join(os.RemoveAll(s.dir), os.Rename(away, s.dir)); err != nil {
					t.Fatal(err)
				}
			}
			wants(t, s, "k", map[bool]string{true: "new", false: "old"}[step == "sync directory"])
			put(t, s, "new", "v")
		})
	}
}

// The same without knowing the steps.
func TestDirectoryThatGoesDuringSaves(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "sessions"), Options{SweepInterval: -1, Unsynced: true})
	away := s.dir + ".away"
	stop := make(chan struct{})
	var saving sync.WaitGroup
	for worker := range 4 {
		saving.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint(worker, "-", i)
				r, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("v")})
				if err == nil {
					_, err = s.Save(t.Context(), key, r, store.Record{Data: []byte("w")})
				}
				if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
					t.Errorf("Save = %v, which says something about the record", err)
				}
			}
		})
	}
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		if err := errors.Join(os.Rename(s.dir, away), os.Mkdir(s.dir, 0o700)); err != nil {
			t.Fatal(err)
		}
		_, _ = s.Load(t.Context(), "absent") // some time for the others
		if names := below(t, s.dir); len(names) != 1 {
			t.Fatalf("in the empty directory there is %q", names)
		}
		if err := errors.Join(os.Remove(s.dir), os.Rename(away, s.dir)); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	saving.Wait()
	put(t, s, "afterwards", "v")
}

// What the documentation says, to end all sessions while programs run.
func TestAllRecordsRemovedOnPurpose(t *testing.T) {
	s := quiet(t)
	beside := open(t, s.dir, Options{SweepInterval: -1})
	old := put(t, s, "k", "old")
	wants(t, beside, "k", "old")
	dirs, err := filepath.Glob(filepath.Join(s.dir, "[0-9a-f][0-9a-f]"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("Glob = %q, %v", dirs, err)
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*Store{s, beside} {
		if _, err := s.Load(t.Context(), "k"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load = %v, want ErrNotFound", err)
		}
		if _, err := s.Save(t.Context(), "k", old, old); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
	}
	put(t, beside, "k", "new")
	wants(t, s, "k", "new")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v, want nil", err)
	}
}

// A directory that an older release made says nothing, and neither does one
// after a power cut at the wrong moment.
func TestDirectoryThatDoesNotSayWhichItIs(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"of an older release": os.Remove,
		"after a power cut":   func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sessions")
			s := open(t, dir, Options{SweepInterval: -1})
			put(t, s, "k", "v")
			s.Close()
			if err := prepare(filepath.Join(dir, identityFile)); err != nil {
				t.Fatal(err)
			}
			a := open(t, dir, Options{SweepInterval: -1})
			b := open(t, dir, Options{SweepInterval: -1})
			for _, s := range []*Store{a, b} {
				wants(t, s, "k", "v")
				if _, err := s.Load(t.Context(), "absent"); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("Load = %v, want ErrNotFound", err)
				}
			}
		})
	}
}

func TestProcessesThatStartTogetherAgree(t *testing.T) {
	for range 20 {
		dir := filepath.Join(t.TempDir(), "sessions")
		stores := make([]*Store, 8)
		var starting sync.WaitGroup
		for i := range stores {
			starting.Go(func() {
				var err error
				if stores[i], err = New(dir, Options{SweepInterval: -1, Unsynced: true}); err != nil {
					t.Errorf("New = %v, want nil", err)
				}
			})
		}
		starting.Wait()
		if t.Failed() {
			return
		}
		for i, s := range stores {
			if _, err := s.Load(t.Context(), "absent"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load by store %d = %v, want ErrNotFound", i, err)
			}
			s.Close()
		}
	}
}

// Who owns the directory can put sessions into it, whatever its mode.
func TestDirectoryOfAnotherUser(t *testing.T) {
	dirs := map[string]string{"empty": t.TempDir(), "a store": filepath.Join(t.TempDir(), "sessions")}
	open(t, dirs["a store"], Options{SweepInterval: -1}).Close()
	if os.Geteuid() != 0 {
		dirs = map[string]string{"root's": "/"}
	}
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() == 0 {
				if err := errors.Join(os.Chown(dir, nobody, nobody), os.Chmod(dir, 0o700)); err != nil {
					t.Fatal(err)
				}
			}
			before := below(t, dir)
			s, err := New(dir, Options{SweepInterval: -1})
			if s != nil || err == nil || !strings.Contains(err.Error(), "another user") || !strings.Contains(store.Advice(err), "planted") {
				t.Errorf("New = %v, %v (%s), want an error with advice", s, err, store.Advice(err))
			}
			if after := below(t, dir); !slices.Equal(before, after) {
				t.Errorf("New left %d files, before there were %d", len(after), len(before))
			}
		})
	}
}

// Records that another directory holds are not read either, an older copy's say:
// after a moment.
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
		s := open("here", "ours")
		defer s.Close()
		if err := open("other", "theirs").Close(); err != nil {
			t.Fatal(err)
		}
		swap := func() {
			for _, m := range [][2]string{{"here", "x"}, {"other", "here"}, {"x", "other"}} {
				if err := os.Rename(filepath.Join(base, m[0]), filepath.Join(base, m[1])); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(watchEvery)
		}
		swap()
		for range 2 {
			if r, err := s.Load(t.Context(), "k"); err == nil || errors.Is(err, store.ErrNotFound) {
				t.Errorf("read %q, %v", r.Data, err)
			}
		}
		swap()
		if r, err := s.Load(t.Context(), "k"); err != nil || string(r.Data) != "ours" {
			t.Errorf("with the directory back: %q, %v", r.Data, err)
		}
	})
}
