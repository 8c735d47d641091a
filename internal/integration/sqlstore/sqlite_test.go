package sqlstore_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

func TestSQLiteMakesAPrivateFileWithItsTable(t *testing.T) {
	t.Chdir(t.TempDir())
	path := filepath.Join(t.TempDir(), "a b?c#d%e.db")
	for _, c := range []struct{ name, url, path string }{
		{"absolute", "sqlite:" + (&url.URL{Path: path}).EscapedPath(), path},
		{"relative", "sqlite:sess%20ions.db", "sess ions.db"},
		{"absolute to everybody", "sqlite:///" + (&url.URL{Path: path + "2"}).EscapedPath(), path + "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := openers.Open(t.Context(), c.url)
			if err != nil {
				t.Fatalf("Open = %v, want nil", err)
			}
			defer store.Close(s)
			put(t, s, "k", "data")
			for _, file := range []string{c.path, c.path + "-wal", c.path + "-shm"} {
				fi, err := os.Stat(file)
				if err != nil {
					t.Errorf("no file: %v", err)
				} else if fi.Mode().Perm() != 0o600 {
					t.Errorf("mode of %s is %v, want 0600", file, fi.Mode())
				}
			}
		})
	}
}

func TestSQLiteURLsThatAreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ name, url, want string }{
		{"ambiguous", "sqlite:///sessions.db", "two ways"},
		{"a host", "sqlite://sessions.db", "host"},
		{"no file", "sqlite:", "no file"},
		{"in memory", "sqlite::memory:", "memory"},
		{"another driver's parameter", "sqlite:x.db?_pragma=x", `"_pragma"`},
		{"a bad duration", "sqlite:x.db?busy_timeout=1", "busy_timeout"},
		{"no directory", "sqlite:missing/x.db", "no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := openers.Open(t.Context(), c.url)
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, %v, want an error with %s", s, err, c.want)
			}
		})
	}
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("refused URLs made %v, %v", files, err)
	}
}

// Another program's file gets no table unasked.
func TestSQLiteFileThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	db := openDB(t, "sqlite", path)
	defer db.Close()
	execute(t, db, "CREATE TABLE users (name TEXT)")
	_, err := openers.Open(t.Context(), "sqlite:"+path)
	helps(t, err, "create_table=true")
	open(t, &url.URL{Scheme: "sqlite", Opaque: path, RawQuery: "create_table=true"})

	junk := filepath.Join(t.TempDir(), "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no database", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = openers.Open(t.Context(), "sqlite:"+junk)
	helps(t, err, "no SQLite database")
}
