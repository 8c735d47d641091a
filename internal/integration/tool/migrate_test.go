// Package tool_test runs the command-line tool on real servers, as an operator
// does.
package tool_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/sqlstore"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

var openers = filestore.Openers().With(sqlstore.Openers())

var program string // the tool, built for these tests

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cloakroom-tool-")
	if err == nil {
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "cloakroom")
		build := exec.Command("go", "build", "-o", program, "./cloakroom")
		build.Dir = "../../../cmd"
		var out []byte
		if out, err = build.CombinedOutput(); err != nil {
			err = fmt.Errorf("build the tool: %w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tool:", err)
		return 1
	}
	return m.Run()
}

// cloakroom runs the tool, and returns what it prints and its exit status.
func cloakroom(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if text := out.String() + errs.String(); strings.Contains(text, "xWv9kJ") {
		t.Errorf("%s shows the password: %s", args[0], text)
	}
	return out.String(), errs.String(), code
}

func open(t *testing.T, address string) store.Store {
	t.Helper()
	s, err := openers.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(s) })
	return s
}

const sessions = 250 // more than a page of any store

func save(t *testing.T, s store.Store, key string, r store.Record) {
	t.Helper()
	if _, err := s.Save(t.Context(), key, store.Record{}, r); err != nil {
		t.Fatal(err)
	}
}

// record is that of a session: of all bytes, some empty, some without end.
func record(i int, expires time.Time) store.Record {
	r := store.Record{Data: []byte{}, Expires: expires}
	for n := range i * 7 {
		r.Data = append(r.Data, byte(i+n))
	}
	if i%5 == 0 {
		r.Expires = time.Time{}
	}
	return r
}

// Sessions go through every store, one after the other.
func TestMigrateThroughEveryStore(t *testing.T) {
	t.Parallel()
	pg := testserver.PostgresURL(testserver.Start(t, testserver.Postgres("fsync=off")), "postgres").String() + "&create_table=true"
	my := testserver.MariaDBURL(testserver.Start(t, testserver.MariaDB("innodb-flush-log-at-trx-commit=0")), "cloakroom").String() + "?create_table=true"
	mongo := "mongodb://" + testserver.Start(t, testserver.FerretDB()).Addr() + "/"
	dynamo := "dynamodb://test:test@Sessions?region=local&endpoint=http://" + testserver.Start(t, testserver.Dynalite()).Addr()
	redis := "redis://" + testserver.Start(t, testserver.Redis()).Addr()
	memcached := "memcached://" + testserver.Start(t, testserver.Memcached("-o", "lru_crawler")).Addr()
	dir := t.TempDir()
	first, last := "file:"+filepath.Join(dir, "first"), "sqlite:"+filepath.Join(dir, "last.db")

	far := time.Now().Add(48 * time.Hour)
	s := open(t, first)
	for i := range sessions {
		save(t, s, fmt.Sprintf("session:%d", i), record(i, far))
	}
	stops := []string{first, pg, pg + "&layout=flask-sqlalchemy", my, my + "&layout=flask-sqlalchemy", mongo, mongo + "?layout=flask",
		dynamo, redis, redis + "/1?cachelib=true", memcached, last}
	for i, to := range stops[1:] {
		from := filepath.Join(dir, "from")
		if err := os.WriteFile(from, []byte(stops[i]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := cloakroom(t, "migrate", "@"+from, to)
		u, _ := url.Parse(to)
		if code != 0 || !strings.Contains(out, fmt.Sprintf("Counted: all %d live sessions", sessions)) {
			t.Fatalf("to %s %s: exit status %d: %s %s", u.Scheme, u.Query().Get("layout"), code, out, errs)
		}
	}
	end := open(t, last)
	for i := range sessions {
		want := record(i, far)
		got, err := end.Load(t.Context(), fmt.Sprintf("session:%d", i))
		if err != nil || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("Load = %d bytes, %v, want %d", len(got.Data), err, len(want.Data))
		}
		// Each store may give some time for what it cannot count.
		if want.Expires.IsZero() != got.Expires.IsZero() || got.Expires.Before(want.Expires) || got.Expires.Sub(want.Expires) > 15*time.Second {
			t.Errorf("it ends at %v, want %v or a little later", got.Expires, want.Expires)
		}
	}
}

// What an operator gets wrong, and what is wrong with the server.
func TestMigrateAndCleanupInTrouble(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Postgres("fsync=off"))
	u := testserver.PostgresURL(p, "postgres")
	files := "file:" + filepath.Join(t.TempDir(), "sessions")
	save(t, open(t, files), "session:k", record(1, time.Now().Add(time.Hour)))
	wrong := *u
	wrong.User = url.UserPassword("postgres", "wrong xWv9kJ")
	elsewhere := *u
	elsewhere.Path = "/elsewhere"
	for _, c := range []struct {
		name, to string
		args     []string
		want     string
	}{
		{"wrong password", wrong.String(), nil, "Check the user name and password"},
		{"wrong database", elsewhere.String(), nil, "Check the name of the database"},
		{"no table", u.String(), nil, "`cloakroom ddl`"},
		{"no table in a dry run, although it would be made", u.String() + "&create_table=true", []string{"--dry-run"}, "a dry run makes nothing"},
	} {
		if _, errs, code := cloakroom(t, append([]string{"migrate", files, c.to}, c.args...)...); code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit status %d: %s, want 1 and %s", c.name, code, errs, c.want)
		}
	}
	if _, errs, code := cloakroom(t, "cleanup", u.String()+"&create_table=true"); code != 1 || !strings.Contains(errs, "`cloakroom ddl`") {
		t.Errorf("cleanup without a table: exit status %d: %s", code, errs)
	}
	if out, errs, code := cloakroom(t, "migrate", files, u.String()+"&create_table=true"); code != 0 {
		t.Errorf("with a table: exit status %d: %s %s", code, out, errs)
	}
	p.Kill(t)
	if _, errs, code := cloakroom(t, "cleanup", u.String()); code != 1 || !strings.Contains(errs, "Check the host and port") {
		t.Errorf("cleanup without a server: exit status %d: %s", code, errs)
	}
}
