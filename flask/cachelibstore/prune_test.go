package cachelibstore

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestLiveRecordsAreNotPruned(t *testing.T) {
	now := vectorNow
	s := quiet(t)
	s.now, s.threshold = func() time.Time { return now }, 3
	for i := range 3 {
		put(t, s, fmt.Sprint("short", i), "v", now.Add(time.Minute))
	}
	for i := range 5 {
		put(t, s, fmt.Sprint("long", i), "v", now.Add(time.Hour))
	}
	counts(t, s, 8)
	now = now.Add(2 * time.Minute)
	put(t, s, "one-more", "v", now.Add(time.Hour))
	counts(t, s, 6)
	if got := len(fileNames(t, s.dir)); got != 7 {
		t.Errorf("%d files, want 6 records and the count", got)
	}
	for i := range 5 {
		wants(t, s, fmt.Sprint("long", i), "v")
	}
}

// A Save looks at every file to prune. It does not each time if that is vain.
func TestVainPruningPauses(t *testing.T) {
	now := vectorNow
	s := quiet(t)
	s.now, s.threshold = func() time.Time { return now }, 1
	put(t, s, "a", "v", time.Time{})
	put(t, s, "b", "v", time.Time{})
	put(t, s, "soon", "v", now.Add(time.Second))
	now = now.Add(pruneAgain / 2)
	put(t, s, "c", "v", time.Time{})
	counts(t, s, 4)
	now = now.Add(pruneAgain)
	put(t, s, "d", "v", time.Time{})
	counts(t, s, 4) // soon is gone, d came
}

func TestPruningLeavesForeignFilesAlone(t *testing.T) {
	s := quiet(t)
	s.threshold, s.opts.DropLive = 1, true
	for _, name := range []string{"README", "0123", nameOf("k") + "x", "UPPERCASE0123456789ABCDEF0123456", "tmp1" + tmpSuffix} {
		if err := os.WriteFile(s.path(name), []byte("\x01\x00\x00\x00data"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.countAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts(t, s, 4)
	put(t, s, "k", "v", time.Time{})
	put(t, s, "l", "v", time.Time{})
	if n, err := s.DeleteExpired(t.Context(), 10); n != 0 || err != nil {
		t.Errorf("DeleteExpired = %d, %v, want 0", n, err)
	}
	if got := len(fileNames(t, s.dir)); got != 5+1+1 { // and the count; k went for l
		t.Errorf("files %q, want the foreign ones, l and the count", fileNames(t, s.dir))
	}
}

func TestLeftoversAreRemovedAfterAnHour(t *testing.T) {
	s := quiet(t)
	names := map[string]bool{ // whether it stays
		"cloakroom-old" + tmpSuffix:   false,
		"cloakroom-young" + tmpSuffix: true,
		"tmpold" + tmpSuffix:          true, // cachelib's
		lockFile:                      true,
		turnFile:                      true,
	}
	for name := range names {
		if err := os.WriteFile(s.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		age := 2 * time.Hour
		if name == "cloakroom-young"+tmpSuffix {
			age = time.Minute
		}
		if err := os.Chtimes(s.path(name), vectorNow, vectorNow.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.DeleteExpired(t.Context(), 10); err != nil {
		t.Fatalf("DeleteExpired = %v, want nil", err)
	}
	for name, stays := range names {
		if _, err := os.Lstat(s.path(name)); stays != (err == nil) {
			t.Errorf("%s: %v, want it to stay: %v", name, err, stays)
		}
	}
}

func TestUncountedDirectoryHasNoCount(t *testing.T) {
	s := at(t, t.TempDir(), Options{Threshold: -1, Unsynced: true}, vectorNow)
	put(t, s, "k", "v", vectorNow.Add(time.Second))
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Errorf("Delete = %v, want nil", err)
	}
	if got := fileNames(t, s.dir); len(got) != 0 {
		t.Errorf("files %q, want none", got)
	}
}

func TestRecordsThatWereTouchedSinceAreNotDropped(t *testing.T) {
	s := quiet(t)
	for i := range 3 {
		put(t, s, fmt.Sprint("k", i), "v", vectorNow.Add(time.Duration(i+1)*time.Minute))
	}
	s.threshold, s.opts.DropLive = 1, true
	during(s, "remove", func() { blind(t, s, "k1", "touched", expiryOf(vectorNow.Add(time.Hour))) })
	put(t, s, "new", "v", vectorNow.Add(time.Minute))
	missing(t, s, "k0")
	wants(t, s, "k1", "touched")
	missing(t, s, "k2")
	wants(t, s, "new", "v")
}
