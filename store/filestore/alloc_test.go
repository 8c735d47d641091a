package filestore

import (
	"os"
	"runtime"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

func TestAllocationsOfLoad(t *testing.T) {
	for cache, want := range map[int]float64{
		0:  1, // 0, but that the race detector empties pools
		-1: 4, // 2, likewise
	} {
		s := open(t, t.TempDir(), Options{SweepInterval: -1, Cache: cache})
		for name, size := range map[string]int{"small": 400, "large": 100_000} {
			put(t, s, name, string(make([]byte, size)))
			got := testing.AllocsPerRun(100, func() {
				if _, err := s.Load(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			})
			if cache == 0 && !s.keeps() {
				t.Log("this system keeps nothing")
			} else if got > want {
				t.Errorf("Load of a %s record with a cache of %d allocates %v times, want at most %v", name, cache, got, want)
			}
		}
	}
}

func TestAllocationsOfSave(t *testing.T) {
	s := open(t, t.TempDir(), Options{SweepInterval: -1, Unsynced: true})
	needsKept(t, s)
	r := put(t, s, "k", "v")
	next := store.Record{Data: make([]byte, 400)}
	got := testing.AllocsPerRun(100, func() {
		var err error
		if r, err = s.Save(t.Context(), "k", r, next); err != nil {
			t.Fatal(err)
		}
	})
	if got > 9 { // 6, but that the race detector empties pools
		t.Errorf("Save allocates %v times, want at most 9", got)
	}
}

// needsKept skips a test of records that are kept in memory where s keeps
// none: on other systems than Linux, and on file systems that are not the
// machine's own. CI must have one that is.
func needsKept(t *testing.T, s *Store) {
	t.Helper()
	switch {
	case s.keeps():
	case os.Getenv("CI") == "true" && runtime.GOOS == "linux":
		t.Fatal("the temporary directory is on no local file system that filestore knows, and CI must have one")
	default:
		t.Skip("records are not kept in memory in this directory")
	}
}
