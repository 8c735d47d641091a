package flask_test

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/flask"
	"github.com/cloakroom/cloakroom/flask/cachelibstore"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// catcher is an opener for every scheme, which notes the URL.
func catcher(got *string) store.Openers {
	all := store.Openers{}
	for _, scheme := range strings.Fields("redis rediss redis+unix redis+cluster memcached mongodb postgres postgresql mysql sqlite dynamodb") {
		all[scheme] = func(_ context.Context, u *url.URL) (store.Store, error) {
			*got = u.String()
			return memstore.New(memstore.Options{}), nil
		}
	}
	return all
}

func TestOpenStoreAsksForFlaskSessionsLayout(t *testing.T) {
	for _, test := range []struct {
		name   string
		values map[string]any
		want   string
	}{
		{"redis", map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://:pw@db:6379/2"}, "redis://:pw@db:6379/2"},
		{"redis-py's unix socket", map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "unix:///run/redis.sock?db=1"}, "redis+unix:///run/redis.sock?db=1"},
		{"memcached", map[string]any{"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": "memcached://a:11211,b:11211"}, "memcached://a:11211,b:11211"},
		{"cachelib on redis", map[string]any{"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": "redis://db"}, "redis://db?cachelib=true"},
		{"cachelib on memcached", map[string]any{"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": "memcached://db"}, "memcached://db?flags=1"},
		{"mongodb", map[string]any{"SESSION_TYPE": "mongodb", "SESSION_MONGODB": "mongodb://u:p@a:1,b:2/admin?w=1", "SESSION_MONGODB_COLLECT": "s"},
			"mongodb://u:p@a:1,b:2/admin?w=1&collection=s&database=flask_session&layout=flask"},
		{"sqlalchemy with a driver", map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg2://u:p@db/app"},
			"postgresql://u:p@db/app?layout=flask-sqlalchemy&sweep_interval=-1s&table=sessions"},
		{"sqlalchemy cleaned up", map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "mysql+pymysql://db/app",
			"SESSION_SQLALCHEMY_TABLE": "web", "SESSION_SQLALCHEMY_SCHEMA": "x", "SESSION_SQLALCHEMY_SEQUENCE": "q", "SESSION_CLEANUP_N_REQUESTS": 100},
			"mysql://db/app?layout=flask-sqlalchemy&schema=x&sequence=q&table=web"},
		{"MySQL by its socket", map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "mysql+pymysql://u:p@/app?charset=utf8mb4&unix_socket=/run/mysqld.sock"},
			"mysql://u:p@/app?charset=utf8mb4&socket=/run/mysqld.sock&layout=flask-sqlalchemy&sweep_interval=-1s&table=sessions"},
		{"a file of SQLite", map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "sqlite:////srv/app.db"},
			"sqlite:/srv/app.db?layout=flask-sqlalchemy&sweep_interval=-1s&table=sessions"},
		{"postgresql", map[string]any{"SESSION_TYPE": "postgresql", "SESSION_POSTGRESQL": "postgres://db/app?schema=mine"},
			"postgres://db/app?schema=mine&layout=flask-postgresql&sweep_interval=-1s&table=flask_sessions"},
		{"dynamodb", map[string]any{"SESSION_TYPE": "dynamodb", "SESSION_DYNAMODB": "dynamodb:?region=eu-west-1", "SESSION_DYNAMODB_TABLE_EXISTS": true},
			"dynamodb://Sessions?region=eu-west-1&layout=flask&table_exists=true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			if _, err := flask.OpenStore(t.Context(), configured(t, test.values), catcher(&got)); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestOpenStoreWithoutServer(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, values := range map[string]map[string]any{
		"filesystem":         {"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": "files"},
		"cachelib":           {"SESSION_TYPE": "cachelib"},
		"cachelib elsewhere": {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": "cachelib:elsewhere"},
	} {
		s, err := flask.OpenStore(t.Context(), configured(t, values), nil)
		if _, ok := s.(*cachelibstore.Store); !ok || err != nil {
			t.Errorf("%s: got %T, %v", name, s, err)
		}
	}
	for name, values := range map[string]map[string]any{
		"Flask's own cookie": {"SECRET_KEY": testSecret},
		"null":               {"SESSION_TYPE": "null"},
	} {
		if s, err := flask.OpenStore(t.Context(), configured(t, values), nil); s != nil || err != nil {
			t.Errorf("%s: got %v, %v; want neither", name, s, err)
		}
	}
}

// TestFileModes has every mode either refused with the configuration or taken
// by the store.
func TestFileModes(t *testing.T) {
	dir := t.TempDir()
	for mode := range fs.FileMode(0o1000) {
		cfg, err := flask.Load(flask.FromMap(map[string]any{"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": dir, "SESSION_FILE_MODE": mode}))
		if err != nil {
			if mode == 0o600 || !strings.Contains(err.Error(), "SESSION_FILE_MODE") {
				t.Errorf("%04o: %v", mode, err)
			}
			continue
		}
		s, err := flask.OpenStore(t.Context(), cfg, nil)
		if err != nil {
			t.Errorf("%04o: %v", mode, err)
			continue
		}
		s.(*cachelibstore.Store).Close()
	}
}

// TestFileKeys saves sessions, of which two have expired, and looks at the files.
func TestFileKeys(t *testing.T) {
	const count = "2029240f6d1128be89ddc32729463129" // cachelib's, if it counts
	for _, test := range []struct {
		name    string
		values  map[string]any
		mode    fs.FileMode
		records int
		counted bool
	}{
		{"by default", nil, 0o600, 4, true},
		{"a mode", map[string]any{"SESSION_FILE_MODE": "0640"}, 0o640, 4, true},
		{"a threshold", map[string]any{"SESSION_FILE_THRESHOLD": 2}, 0o600, 2, true},
		{"no threshold", map[string]any{"SESSION_FILE_THRESHOLD": 0}, 0o600, 4, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			all := map[string]any{"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": dir}
			maps.Copy(all, test.values)
			s, err := flask.OpenStore(t.Context(), configured(t, all), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.(*cachelibstore.Store).Close()
			for i := range 4 {
				next := store.Record{Data: []byte("x"), Expires: time.Now().Add(time.Hour)}
				key := fmt.Sprint("session:", i)
				if _, err := s.Save(t.Context(), key, store.Record{}, next); err != nil {
					t.Fatal(err)
				}
				if name := filepath.Join(dir, fmt.Sprintf("%x", md5.Sum([]byte(key)))); i < 2 {
					err = os.WriteFile(name, binary.NativeEndian.AppendUint32(nil, 1), 0o600)
				} else if info, statErr := os.Stat(name); statErr != nil || info.Mode() != test.mode {
					t.Errorf("%s has the mode %v, want %v, or error %v", key, info.Mode(), test.mode, statErr)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			names, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			records, counted := 0, false
			for _, name := range names {
				switch name = filepath.Base(name); {
				case name == count:
					counted = true
				case len(name) == len(count):
					records++
				}
			}
			if records != test.records || counted != test.counted {
				t.Errorf("%d records, counted %t; want %d and %t", records, counted, test.records, test.counted)
			}
		})
	}
}

func TestOpenStoreRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		values map[string]any
		want   string
	}{
		{"a scheme without opener", map[string]any{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://:hush@db"}, "no store for scheme"},
		{"SQLite in memory", map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:"}, "cannot be shared"},
		{"SQLite relative", map[string]any{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "sqlite:///app.db"}, "four slashes"},
	} {
		_, err := flask.OpenStore(t.Context(), configured(t, test.values), store.Openers{"sqlite": nil})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want %q in it", test.name, err, test.want)
		}
	}
}
