//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || illumos

package filestore

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

func TestEveryFailingStepLosesNothing(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EACCES} {
		for _, step := range []string{"create", "write", "sync", "rename", "sync directory", "remove"} {
			t.Run(fmt.Sprintf("%v/%s", errno, step), func(t *testing.T) {
				s := quiet(t)
				old, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("old"), Expires: time.Now().Add(time.Hour)})
				if err != nil {
					t.Fatal(err)
				}
				gone := put(t, s, "gone", "old")
				failed := 0
				s.fault = func(at string) error {
					if at != step {
						return nil
					}
					failed++
					return errno
				}
				next := store.Record{Data: []byte("new")}
				_, saveErr := s.Save(t.Context(), "k", old, next)
				_, createErr := s.Save(t.Context(), "created", store.Record{}, next)
				_, dropErr := s.Save(t.Context(), "gone", gone, store.Record{})
				deleteErr := s.Delete(t.Context(), "gone")
				touchErr := s.Touch(t.Context(), "k", old, time.Time{})
				for _, err := range []error{saveErr, createErr, dropErr, deleteErr, touchErr} {
					if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
						continue
					}
					failed--
					if !errors.Is(err, errno) || store.Advice(err) == "" || !strings.HasPrefix(err.Error(), "filestore: ") {
						t.Errorf("error = %v (%s), want %v with advice", err, store.Advice(err), errno)
					}
				}
				if failed != 0 {
					t.Errorf("%d failed steps were not reported", failed)
				}

				s.fault = nil // repaired
				want := "old"
				switch step {
				case "sync directory", "remove": // of which the former is done, but perhaps not for long
					want = "new"
				}
				r := wants(t, s, "k", want)
				if _, err := s.Save(t.Context(), "k", r, next); err != nil {
					t.Errorf("Save after the repair = %v, want nil", err)
				}
				if err := errors.Join(s.Delete(t.Context(), "created"), s.Delete(t.Context(), "gone"), s.Delete(t.Context(), "k")); err != nil {
					t.Errorf("Delete after the repair = %v, want nil", err)
				}
				for _, file := range files(t, s.dir) {
					if !strings.HasPrefix(file, locksDir) && file != formatFile && file != identityFile {
						t.Errorf("left behind: %s", file)
					}
				}
			})
		}
	}
}

// What has been acknowledged survives a power cut if all of it was synced, in
// an order in which no cut between two steps leaves half a record.
func TestOrderOfSteps(t *testing.T) {
	s := quiet(t)
	var steps []string
	s.fault = func(step string) error { steps = append(steps, step); return nil }
	inner, innerData := s.sync, s.syncData
	s.sync = func(fd int) error { steps = append(steps, "fsync"); return inner(fd) }
	s.syncData = func(fd int) error { steps = append(steps, "fdatasync"); return innerData(fd) }
	wantSteps := func(what, want string) {
		t.Helper()
		if got := strings.Join(steps, ", "); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
		steps = nil
	}
	const dir = "sync directory, fsync"
	const write = "create, write, sync, fsync, rename, " + dir
	r := put(t, s, "k", "v")
	wantSteps("the first create, which makes two directories", dir+", "+dir+", "+write)
	r, err := s.Save(t.Context(), "k", r, store.Record{Data: []byte("v"), Expires: time.Now().Add(time.Hour)})
	wantSteps("a save", write)
	err = errors.Join(err, s.Touch(t.Context(), "k", r, time.Time{}))
	wantSteps("a touch", "write, sync, fdatasync")
	err = errors.Join(err, s.Touch(t.Context(), "k", r, time.Time{}))
	wantSteps("a touch that changes nothing", "sync, fdatasync")
	err = errors.Join(err, s.Delete(t.Context(), "k"))
	wantSteps("a delete", "remove, "+dir)
	err = errors.Join(err, s.Delete(t.Context(), "k"))
	wantSteps("a delete of nothing", "remove, "+dir)
	s2 := open(t, s.dir, Options{SweepInterval: -1})
	s2.fault, s2.sync = s.fault, s.sync
	r = put(t, s2, "k", "v")
	wantSteps("a create in a directory that another process made", dir+", "+dir+", "+write)
	if _, saveErr := s.Save(t.Context(), "k", r, store.Record{}); errors.Join(err, saveErr) != nil {
		t.Error(err, saveErr)
	}
	wantSteps("a save that deletes", "remove, "+dir)
}

func TestUnsyncedIsWhatSkipsTheSyncs(t *testing.T) {
	const f = -1 // so that whoever syncs it, fails
	for _, unsynced := range []bool{false, true} {
		s := open(t, t.TempDir(), Options{Unsynced: unsynced, SweepInterval: -1})
		if skipped := s.sync(f) == nil; skipped != unsynced {
			t.Errorf("unsynced = %v: sync skipped: %v", unsynced, skipped)
		}
		if skipped := s.syncData(f) == nil; skipped != unsynced {
			t.Errorf("unsynced = %v: syncData skipped: %v", unsynced, skipped)
		}
	}
}
