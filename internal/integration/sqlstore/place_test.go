package sqlstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// A place is a database to test with.
type place struct {
	name  string
	url   func(t testing.TB) *url.URL
	clock time.Duration // the precision of the server's clock
}

var (
	inPostgres = place{"PostgreSQL", func(t testing.TB) *url.URL {
		return testserver.PostgresURL(postgres.Get(t), "postgres")
	}, 0}
	inMariaDB = place{"MariaDB", func(t testing.TB) *url.URL {
		return testserver.MariaDBURL(mariadb.Get(t), "cloakroom")
	}, 0}
	inSQLite = place{"SQLite", func(t testing.TB) *url.URL {
		return &url.URL{Scheme: "sqlite", Path: filepath.Join(t.TempDir(), "sessions.db"), OmitHost: true}
	}, time.Millisecond}

	places = []place{inPostgres, inMariaDB, inSQLite}
)

// openers are what a program would offer.
var openers = sqlstore.Openers()

// with returns a URL with these query parameters added, as "layout=native".
func with(u *url.URL, params ...string) *url.URL {
	c := *u
	q := c.Query()
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		q.Set(name, value)
	}
	c.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // a plus is a plus to pgx
	return &c
}

// tableName is a name that no other test has, and that needs quotes.
func tableName() string { return "T " + rand.Text()[:10] }

// fresh is a URL with a table of its own, which is made when it is opened. No
// sweep disturbs it.
func (p place) fresh(t testing.TB, params ...string) *url.URL {
	return with(p.url(t), append([]string{"table=" + tableName(), "create_table=true", "sweep_interval=-1s"}, params...)...)
}

// open opens a store for a test.
func open(t testing.TB, u *url.URL) *sqlstore.Store {
	t.Helper()
	s, err := openers.Open(t.Context(), u.String())
	if err != nil {
		t.Fatalf("Open = %v (%s), want nil", err, store.Advice(err))
	}
	t.Cleanup(func() { store.Close(s) })
	return s.(*sqlstore.Store)
}

// rec is a record that no test outlives.
func rec(data string) store.Record {
	return store.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

// put saves a record where there is none.
func put(t testing.TB, s store.Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Save(t.Context(), key, store.Record{}, rec(data))
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	return r
}

// holds checks what the record of key has.
func holds(t testing.TB, s store.Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Load(context.Background(), key)
	if err != nil || string(r.Data) != data {
		t.Errorf("Load = %.60q, %v, want %.60q", r.Data, err, data)
	}
	return r
}

// holdsAll checks what LoadAll returns for keys; "" stands for no record.
func holdsAll(t testing.TB, s store.Store, keys []string, data ...string) {
	t.Helper()
	records, err := store.LoadAll(context.Background(), s, keys)
	if err != nil {
		t.Fatalf("LoadAll = %v, want no error", err)
	}
	for i, r := range records {
		if string(r.Data) != data[i] || r.Exists() != (data[i] != "") {
			t.Errorf("LoadAll: record %d is %.60q, want %.60q", i, r.Data, data[i])
		}
	}
}

// gone checks that key has no record.
func gone(t testing.TB, s store.Store, key string) {
	t.Helper()
	if r, err := s.Load(context.Background(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load = %.60q, %v, want ErrNotFound", r.Data, err)
	}
}
