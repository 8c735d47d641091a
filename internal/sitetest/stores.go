package sitetest

import (
	"testing"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Memory returns a store in memory, for the duration of the test. As most stores it
// saves one record at a time: see AtOnce.
func Memory(t testing.TB) store.Store { return oneByOne{AtOnce(t)} }

// AtOnce returns a store in memory that can save several records at once.
func AtOnce(t testing.TB) *memstore.Store {
	s := memstore.New(memstore.Options{})
	t.Cleanup(func() { s.Close() })
	return s
}

// A oneByOne is a store in memory that saves one record at a time.
type oneByOne struct{ *memstore.Store }

// SaveAll hides that of the store: what is so called is no store.BatchSaver.
func (oneByOne) SaveAll() {}

// Files returns a store in the files of a directory, for the duration of the
// test.
func Files(t testing.TB, dir string, o filestore.Options) store.Store {
	t.Helper()
	s, err := filestore.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// EachStore runs f with each of the stores of the root module.
func EachStore(t *testing.T, f func(t *testing.T, s store.Store)) {
	t.Run("memory", func(t *testing.T) { f(t, Memory(t)) })
	t.Run("files", func(t *testing.T) { f(t, Files(t, t.TempDir(), filestore.Options{})) })
}

// EachStoreHere is EachStore within a bubble of testing/synctest, which has no
// subtests.
func EachStoreHere(t *testing.T, f func(s store.Store)) {
	f(Memory(t))
	f(Files(t, t.TempDir(), filestore.Options{SweepInterval: -1, Unsynced: true}))
}
