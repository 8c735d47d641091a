package guarantee_test

import (
	"log/slog"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// plain are Options under which a test knows the name of each record.
func plain() cloakroom.Options { return cloakroom.Options{PlainIDs: true} }

// unlogged are plain Options without a journal, for tests with very many
// requests.
func unlogged() cloakroom.Options {
	o := plain()
	o.Logger = slog.New(slog.DiscardHandler)
	return o
}

// storeKey returns the name of a ticket's record under plain Options.
func storeKey(ticket string) string { return cloakroom.DefaultKeyPrefix + ticket }

func openMemory(t testing.TB) store.Store {
	s := memstore.New(memstore.Options{})
	t.Cleanup(func() { s.Close() })
	return s
}

func openFiles(t testing.TB, dir string, o filestore.Options) store.Store {
	t.Helper()
	s, err := filestore.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// eachStore runs f with the stores of the root module.
func eachStore(t *testing.T, f func(t *testing.T, s store.Store)) {
	t.Run("memory", func(t *testing.T) { f(t, openMemory(t)) })
	t.Run("files", func(t *testing.T) { f(t, openFiles(t, t.TempDir(), filestore.Options{})) })
}

// eachStoreHere is eachStore for bubbles of testing/synctest, which have no
// subtests.
func eachStoreHere(t *testing.T, f func(s store.Store)) {
	f(openMemory(t))
	f(openFiles(t, t.TempDir(), filestore.Options{SweepInterval: -1, Unsynced: true}))
}
