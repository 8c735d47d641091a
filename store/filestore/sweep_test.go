package filestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// putFor creates a record with a lifetime.
func putFor(t *testing.T, s *Store, key string, life time.Duration) {
	t.Helper()
	_, err := s.Save(context.Background(), key, store.Record{}, store.Record{Data: []byte("v"), Expires: time.Now().Add(life)})
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
}

// stands reports whether the file of a key's record is there.
func stands(s *Store, key string) bool {
	_, err := os.Lstat(fileOf(s, key))
	return err == nil
}

func TestSweepRemovesExpiredRecords(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		type report struct {
			removed int
			err     error
		}
		var reports []report
		s := open(t, dir, Options{Unsynced: true, SweepInterval: time.Minute,
			Swept: func(removed int, err error) { reports = append(reports, report{removed, err}) }})
		for i := range 10 {
			putFor(t, s, fmt.Sprint("short", i), time.Second)
			putFor(t, s, fmt.Sprint("long", i), 100*time.Hour)
		}
		leftover := filepath.Join(filepath.Dir(fileOf(s, "short0")), tmpName)
		if err := os.WriteFile(leftover, []byte("half a rec"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s.Close()
		for i := range 10 {
			if stands(s, fmt.Sprint("short", i)) || !stands(s, fmt.Sprint("long", i)) {
				t.Errorf("number %d: expired file there: %v, live file there: %v", i,
					stands(s, fmt.Sprint("short", i)), stands(s, fmt.Sprint("long", i)))
			}
		}
		if _, err := os.Lstat(leftover); err == nil {
			t.Error("a leftover of a killed process is still there")
		}
		removed := 0
		for _, r := range reports {
			removed += r.removed
			if r.err != nil {
				t.Errorf("a sweep reports %v, want nil", r.err)
			}
		}
		if removed != 10 || len(reports) < 6 || len(reports) > 15 {
			t.Errorf("%d sweeps in 10 minutes removed %d records, want about 10 and 10", len(reports), removed)
		}
	})
}

func TestStoresOfOneDirectoryTakeTurns(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var sweeps atomic.Int64
		var all []*Store
		for range 5 {
			all = append(all, open(t, dir, Options{SweepInterval: time.Hour,
				Swept: func(int, error) { sweeps.Add(1) }}))
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		for _, s := range all {
			s.Close()
		}
		if n := sweeps.Load(); n < 8 || n > 22 { // not 50
			t.Errorf("%d sweeps by 5 stores in 10 intervals, want 10 to 20", n)
		}
	})
}

func TestSweepReportsFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	synctest.Test(t, func(t *testing.T) {
		var last error
		s := open(t, dir, Options{SweepInterval: time.Minute, Swept: func(_ int, err error) { last = err }})
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		s.Close()
		if last == nil || store.Advice(last) == "" || errors.Is(last, store.ErrNotFound) {
			t.Errorf("the sweep reports %v (%s), want an error with advice", last, store.Advice(last))
		}
	})
}

// One directory in which nothing can be removed does not keep the others full.
func TestOneBadDirectoryDoesNotStopCleaning(t *testing.T) {
	for name, clean := range map[string]func(s *Store) (int, error){
		"DeleteExpired": func(s *Store) (int, error) { return s.DeleteExpired(context.Background(), 100) },
		"sweep": func(s *Store) (int, error) {
			n, _, err := s.sweep(context.Background())
			return n, err
		},
	} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			s := open(t, dir, Options{Unsynced: true, SweepInterval: -1})
			for i := range 20 {
				putFor(t, s, fmt.Sprint(i), time.Second)
			}
			bad := filepath.Dir(fileOf(s, "0"))
			if err := errors.Join(os.RemoveAll(bad), os.WriteFile(bad, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			n, err := clean(s)
			if n != 19 || err == nil {
				t.Errorf("%s: removed %d (%v), want 19 and an error", name, n, err)
			}
		})
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// By default somebody is told.
func TestFailingSweepsAreLogged(t *testing.T) {
	var log lines
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	dir := filepath.Join(t.TempDir(), "sessions")
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, Options{Unsynced: true, SweepInterval: time.Minute})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if text := log.String(); text != "" {
			t.Errorf("a sweep that went well is logged: %s", text)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		s.Close()
	})
	if text := log.String(); !strings.Contains(text, "filestore: sweep") || !strings.Contains(text, "advice=") {
		t.Errorf("the log says %q", text)
	}
}

func TestNoSweepWhereNoneIsWanted(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, Options{Unsynced: true, SweepInterval: -1})
		putFor(t, s, "k", time.Second)
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		if !stands(s, "k") {
			t.Error("the file of an expired record is gone")
		}
	})
}

func TestCloseWaitsForTheSweep(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		s := open(t, dir, Options{SweepInterval: time.Minute, Swept: func(int, error) { <-finish }})
		time.Sleep(5 * time.Minute)
		closed := false
		go func() {
			s.Close()
			closed = true
		}()
		synctest.Wait()
		if closed {
			t.Error("Close returned while the sweeping goroutine was still there")
		}
		close(finish)
		synctest.Wait()
		if !closed {
			t.Error("Close did not return")
		}
	})
}

// DeleteExpired with a small limit must come around, and not look at the same
// directories again each time.
func TestDeleteExpiredGoesOn(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir, Options{Unsynced: true, SweepInterval: -1})
		for i := range 30 {
			putFor(t, s, fmt.Sprint(i), time.Second)
		}
		time.Sleep(time.Minute)
		last := uint32(0)
		for range 30 {
			if n, err := s.DeleteExpired(t.Context(), 1); n != 1 || err != nil {
				t.Fatalf("DeleteExpired = %d, %v, want 1", n, err)
			}
			if now := s.cursor.Load(); now < last {
				t.Errorf("the cursor went back from %d to %d", last, now)
			} else {
				last = now
			}
		}
		if last == 0 {
			t.Error("the cursor never moved")
		}
		putFor(t, s, "behind", time.Second)
		s.cursor.Store(uint32(nameLeaf("behind")) + 1)
		time.Sleep(time.Minute)
		if n, err := s.DeleteExpired(t.Context(), 5); n != 1 || err != nil {
			t.Errorf("DeleteExpired = %d, %v, want 1", n, err)
		}
	})
}

func nameLeaf(key string) leaf {
	n := nameOf(key)
	return n.leaf()
}

func TestScratchFilesOfTheDeadAreRemoved(t *testing.T) {
	s := quiet(t)
	old, young := filepath.Join(s.dir, scratchName()), filepath.Join(s.dir, scratchName())
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.sweep(t.Context()); err != nil {
		t.Fatalf("sweep = %v, want nil", err)
	}
	if _, err := os.Lstat(old); err == nil {
		t.Error("an old scratch file is still there")
	}
	if _, err := os.Lstat(young); err != nil {
		t.Errorf("a young scratch file is gone: %v", err)
	}
}
