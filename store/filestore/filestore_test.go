package filestore

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// everything is what the suite may require of this store.
var everything = []storetest.Capability{storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer}

func TestConformance(t *testing.T) {
	for name, o := range map[string]struct {
		opts         Options
		cleansItself bool
		noSwap       bool
	}{
		"synced":                               {opts: Options{SweepInterval: -1}},
		"unsynced, sweeping":                   {opts: Options{Unsynced: true}, cleansItself: true},
		"unsynced, nothing kept, plain rename": {opts: Options{Unsynced: true, SweepInterval: -1, Cache: -1}, noSwap: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // both wait for the disk most of the time
			storetest.Run(t, func(t *testing.T) store.Store {
				s := open(t, t.TempDir(), o.opts)
				s.noSwap.Store(o.noSwap)
				return s
			}, storetest.Options{TooLarge: MaxSize + 1, CleansItself: o.cleansItself, Require: everything})
		})
	}
}

// open opens a store that the test need not close.
func open(t testing.TB, dir string, opts Options) *Store {
	t.Helper()
	s, err := New(dir, opts)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// quiet opens a store without a sweep in a new directory.
func quiet(t testing.TB) *Store {
	return open(t, filepath.Join(t.TempDir(), "sessions"), Options{SweepInterval: -1})
}

// put creates a record that does not expire.
func put(t testing.TB, s *Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Save(context.Background(), key, store.Record{}, store.Record{Data: []byte(data)})
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	return r
}

// wants checks that the record of key has data.
func wants(t testing.TB, s *Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Load(context.Background(), key)
	if err != nil || string(r.Data) != data {
		t.Fatalf("Load = %.40q, %v, want %.40q", r.Data, err, data)
	}
	return r
}

// fileOf is the path of the file of a key's record.
func fileOf(s *Store, key string) string {
	n := nameOf(key)
	b := s.appendPath(nil, &n)
	return string(b[:len(b)-1])
}

func TestOpenByURL(t *testing.T) {
	abs := filepath.Join(t.TempDir(), "a", "b c")
	t.Chdir(t.TempDir())
	for _, c := range []struct{ name, url, dir string }{
		{"absolute", "file:" + strings.ReplaceAll(abs, " ", "%20"), abs},
		{"absolute with slashes", "file://" + strings.ReplaceAll(abs, " ", "%20") + "2", abs + "2"},
		{"relative", "file:data/sess%20ions", "data/sess ions"},
		{"relative with a dot", "file:./dot", "dot"},
		{"with options", "file:opts?unsynced=true&sweep_interval=-1s", "opts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Openers().Open(t.Context(), c.url)
			if err != nil {
				t.Fatalf("Open = %v, want nil", err)
			}
			defer store.Close(s)
			put(t, s.(*Store), "k", "v")
			if fi, err := os.Stat(filepath.Join(c.dir, formatFile)); err != nil || fi.Size() == 0 {
				t.Errorf("no store at %s: %v", c.dir, err)
			}
		})
	}
}

func TestOpenByURLSetsOptions(t *testing.T) {
	u, err := url.Parse("file:x?unsynced=true&sweep_interval=90s&cache=-1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := urlOptions(u)
	if err != nil || !got.Unsynced || got.SweepInterval != 90*time.Second || got.Cache != -1 {
		t.Errorf("options = %+v, %v, want unsynced, 90s and no cache", got, err)
	}
}

func TestOpenByURLRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ name, url, want string }{
		{"an unknown parameter", "file:x?sync=no&ttl=3", `"sync", "ttl"`},
		{"a host", "file://server/x", "host"},
		{"no directory", "file:", "no directory"},
		{"a fragment", "file:x#y", "fragment"},
		{"a bad duration", "file:x?sweep_interval=soon", "sweep_interval"},
		{"a bad number", "file:x?cache=32M", "cache"},
		{"a bad truth", "file:x?unsynced=perhaps", "unsynced"},
		{"a bad escape", "file:x%zz", "path is not well escaped"},
		{"a bad query", "file:x?unsynced=%zz", "parameter 1 is not well escaped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Openers().Open(t.Context(), c.url)
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, %v, want an error that names %s", s, err, c.want)
			}
		})
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) > 0 {
		t.Errorf("refused URLs made %v, %v", entries, err)
	}
}

func TestOpenWithADoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "x")
	if _, err := Open(ctx, &url.URL{Scheme: "file", Path: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, want context.Canceled", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Open made the directory")
	}
}
