package flask_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/dynamostore"
	"github.com/cloakroom/cloakroom/store/memcachedstore"
	"github.com/cloakroom/cloakroom/store/mongostore"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/sqlstore"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

var openers = redisstore.Openers().With(memcachedstore.Openers(), mongostore.Openers(), dynamostore.Openers(), sqlstore.Openers())

// The same with every backend that Flask-Session 0.3.2 has.
func TestGoAndFlaskShareEveryBackend(t *testing.T) {
	for _, b := range []struct {
		name   string
		python string // what the application needs beside Flask-Session
		debian string
		config func(t *testing.T) map[string]any
		// Flask-Session 0.3.2 cannot read what it stores of sessions that are
		// not permanent.
		permanent bool
	}{
		{"redis", "redis", "python3-redis", func(t *testing.T) map[string]any {
			return map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://" + testserver.Start(t, testserver.Redis()).Addr()}
		}, false},
		{"memcached", "pymemcache", "python3-pymemcache", func(t *testing.T) map[string]any {
			return map[string]any{"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": "memcached://" + testserver.Start(t, testserver.Memcached()).Addr()}
		}, false},
		{"mongodb", "pymongo", "python3-pymongo", func(t *testing.T) map[string]any {
			return map[string]any{"SESSION_TYPE": "mongodb", "SESSION_MONGODB": "mongodb://" + testserver.Start(t, testserver.FerretDB()).Addr() + "/"}
		}, true},
		{"sqlalchemy on SQLite", "flask_sqlalchemy", "python3-flask-sqlalchemy", func(t *testing.T) map[string]any {
			return sqlalchemy("sqlite:///" + filepath.Join(t.TempDir(), "sessions.db"))
		}, true},
		{"sqlalchemy on PostgreSQL", "flask_sqlalchemy, psycopg2", "python3-flask-sqlalchemy python3-psycopg2", func(t *testing.T) map[string]any {
			p := testserver.Start(t, testserver.Postgres())
			return sqlalchemy(strings.Replace(testserver.PostgresURL(p, "postgres").String(), "postgres://", "postgresql+psycopg2://", 1))
		}, true},
		{"sqlalchemy on MariaDB", "flask_sqlalchemy, pymysql", "python3-flask-sqlalchemy python3-pymysql", func(t *testing.T) map[string]any {
			p := testserver.Start(t, testserver.MariaDB())
			u := testserver.MariaDBURL(p, "cloakroom")
			u.Scheme = "mysql+pymysql"
			return sqlalchemy(u.String())
		}, true},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			if err := exec.Command("/usr/bin/python3", "-c", "import "+b.python).Run(); err != nil {
				testserver.Missing(t, "Python's "+b.python, "apt-get install "+b.debian)
			}
			config := b.config(t)
			f := newFleet(t, config, map[string]any{"SESSION_SERIALIZATION_FORMAT": "pickle"}, openers)
			f.onlyPermanent = b.permanent
			alternate(t, f, 100, func(t *testing.T) { f.expireRecord(t) })
		})
	}
}

func sqlalchemy(address string) map[string]any {
	return map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": address}
}

// expireRecord makes the browser's session end in the backend, by itself.
func (f *fleet) expireRecord(t *testing.T) {
	t.Helper()
	key := f.config.KeyPrefix + f.cookie()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		rec, err := f.records.Load(t.Context(), key)
		if errors.Is(err, store.ErrNotFound) {
			return
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("the record does not expire: %v, %v", rec.Expires, err)
		}
		if time.Until(rec.Expires) > 2*time.Second {
			_, err = f.records.Save(t.Context(), key, rec, store.Record{Data: rec.Data, Expires: time.Now().Add(time.Second)})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
