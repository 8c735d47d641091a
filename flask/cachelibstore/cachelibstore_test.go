package cachelibstore

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

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		opts         Options
		plain        bool
		cleansItself bool
	}{
		"as it comes":                        {},
		"unsynced, uncounted, plain renames": {opts: Options{Unsynced: true, Threshold: -1}, plain: true},
		"always beyond the threshold":        {opts: Options{Unsynced: true, Threshold: 1}, cleansItself: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the first waits for the disk most of the time
			storetest.Run(t, func(t *testing.T) store.Store {
				s, err := New(t.TempDir(), c.opts)
				if err != nil {
					t.Fatalf("New = %v, want nil", err)
				}
				s.plainRename = c.plain
				return s
			}, storetest.Options{
				Precision:    time.Second,
				TooLarge:     MaxSize + 1,
				ComparesData: true,
				CleansItself: c.cleansItself,
				Require:      []storetest.Capability{storetest.Cleaner, storetest.Pinger, storetest.Closer},
				Skip: map[string]string{
					"Expiry/year 9999": "cachelib's header ends in 2106; later expiries become never",
				},
			})
		})
	}
}

// at opens a store in dir that the test need not close, with a clock that
// stands at now.
func at(t testing.TB, dir string, opts Options, now time.Time) *Store {
	t.Helper()
	s, err := open(context.Background(), dir, opts, func() time.Time { return now })
	if err != nil {
		t.Fatalf("open = %v, want nil", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// quiet opens an unsynced store in a new directory.
func quiet(t testing.TB) *Store {
	return at(t, filepath.Join(t.TempDir(), "sessions"), Options{Unsynced: true}, vectorNow)
}

// put creates a record.
func put(t testing.TB, s *Store, key, data string, expires time.Time) store.Record {
	t.Helper()
	r, err := s.Save(context.Background(), key, store.Record{}, store.Record{Data: []byte(data), Expires: expires})
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

// missing checks that there is no record of key.
func missing(t testing.TB, s *Store, key string) {
	t.Helper()
	if r, err := s.Load(context.Background(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load = %.40q, %v, want ErrNotFound", r.Data, err)
	}
}

// counts checks what the count file says.
func counts(t testing.TB, s *Store, want int64) {
	t.Helper()
	if got := s.count(); got != want {
		t.Errorf("the count file says %d, want %d", got, want)
	}
}

// tidy checks that no temporary file is left.
func tidy(t testing.TB, dir string) {
	t.Helper()
	for _, name := range fileNames(t, dir) {
		if strings.HasSuffix(name, tmpSuffix) {
			t.Errorf("left behind: %s", name)
		}
	}
}

// fileNames returns the names in dir but for the lock and what says which
// directory it is.
func fileNames(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != lockFile && e.Name() != turnFile && e.Name() != identityFile {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestListSaysWhyNot(t *testing.T) {
	n := 0
	for _, err := range quiet(t).List(t.Context(), "") {
		n++
		if !errors.Is(err, store.ErrUnsupported) || !strings.Contains(err.Error(), "MD5") {
			t.Errorf("List = %v, want ErrUnsupported with the reason", err)
		}
	}
	if n != 1 {
		t.Errorf("List yields %d times, want once", n)
	}
}

func TestPingLeavesNothing(t *testing.T) {
	s := quiet(t)
	before := fileNames(t, s.dir)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping = %v, want nil", err)
	}
	if after := fileNames(t, s.dir); len(after) != len(before) {
		t.Errorf("files after Ping: %q, before: %q", after, before)
	}
}

// Without a prefix, a visitor can name the count file in his cookie.
func TestKeyOfTheCountFile(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", "v", time.Time{})
	missing(t, s, countKey)
	if err := s.Touch(t.Context(), countKey, store.Record{}, time.Time{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Touch = %v, want ErrNotFound", err)
	}
	if _, err := s.Save(t.Context(), countKey, store.Record{}, store.Record{Data: []byte("v")}); !errors.Is(err, store.ErrKey) {
		t.Errorf("Save = %v, want ErrKey", err)
	}
	if err := s.Delete(t.Context(), countKey); err != nil {
		t.Errorf("Delete = %v, want nil", err)
	}
	counts(t, s, 1)
}

func TestOpenByURL(t *testing.T) {
	abs := filepath.Join(t.TempDir(), "a", "b c")
	t.Chdir(t.TempDir())
	for _, c := range []struct{ name, url, dir string }{
		{"absolute", "cachelib:" + strings.ReplaceAll(abs, " ", "%20"), abs},
		{"relative", "cachelib:flask_sess%20ion", "flask_sess ion"},
		{"with options", "cachelib:opts?threshold=-1&drop_live=true&mode=0640&unsynced=true", "opts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Openers().Open(t.Context(), c.url)
			if err != nil {
				t.Fatalf("Open = %v, want nil", err)
			}
			defer store.Close(s)
			put(t, s.(*Store), "k", "v", time.Time{})
			if _, err := os.Stat(filepath.Join(c.dir, nameOf("k"))); err != nil {
				t.Errorf("no record at %s: %v", c.dir, err)
			}
		})
	}
}

func TestOpenByURLSetsOptions(t *testing.T) {
	for query, want := range map[string]Options{
		"":                             {},
		"threshold=7&drop_live=true":   {Threshold: 7, DropLive: true},
		"mode=0660&unsynced=true":      {Mode: 0o660, Unsynced: true},
		"mode=0o640&threshold=-1":      {Mode: 0o640, Threshold: -1},
		"mode=600&drop_live=false":     {Mode: 0o600},
		"threshold=1&threshold=2":      {Threshold: 2},
		"unsynced=false&drop_live=yes": {},
	} {
		got, err := urlOptions(&url.URL{RawQuery: query})
		if wrong := strings.Contains(query, "yes"); wrong != (err != nil) || !wrong && got != want {
			t.Errorf("options of %q = %+v, %v, want %+v", query, got, err, want)
		}
	}
}

func TestOpenByURLRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ name, url, want string }{
		{"an unknown parameter", "cachelib:x?ttl=3", `"ttl"`},
		{"a host", "cachelib://server/x", "host"},
		{"no directory", "cachelib:", "no directory"},
		{"a fragment", "cachelib:x#y", "fragment"},
		{"a bad mode", "cachelib:x?mode=rw", "mode"},
		{"a mode without the owner", "cachelib:x?mode=0040", "0600"},
		{"a mode for everybody", "cachelib:x?mode=0666", "0600"},
		{"a bad query", "cachelib:x?unsynced=%zz", "parameter 1 is not well escaped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Openers().Open(t.Context(), c.url)
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, %v, want an error that names %s", s, err, c.want)
			}
		})
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("refused URLs made %v, %v", entries, err)
	}
}
