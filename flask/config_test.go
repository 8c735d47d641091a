package flask_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/flask"
)

// goodSecret is as random as a test needs it.
const goodSecret = "6fd0a1c5b7e94823"

type values map[string]any

// load is flask.Load of one map with a good SECRET_KEY, unless m has one.
func load(m values) (flask.Config, error) {
	return flask.Load(flask.FromMap(map[string]any{"SECRET_KEY": goodSecret}), flask.FromMap(m))
}

func mustLoad(t *testing.T, m values) flask.Config {
	t.Helper()
	c, err := load(m)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

func TestEveryValueArrivesInItsField(t *testing.T) {
	for _, test := range []struct {
		key   string
		value any
		field string
		want  any
	}{
		{"SECRET_KEY", "0f23!ab/dez7gh/xyz", "SecretKey", flask.Secret("0f23!ab/dez7gh/xyz")},
		{"SECRET_KEY", []byte("\xfff23!ab/dez7gh/xy"), "SecretKey", flask.Secret("\xfff23!ab/dez7gh/xy")},
		{"SECRET_KEY_FALLBACKS", []any{goodSecret, []byte(goodSecret)}, "SecretKeyFallbacks", []flask.Secret{flask.Secret(goodSecret), flask.Secret(goodSecret)}},
		{"SECRET_KEY_FALLBACKS", []string{goodSecret}, "SecretKeyFallbacks", []flask.Secret{flask.Secret(goodSecret)}},
		{"SECRET_KEY_FALLBACKS", []any{}, "SecretKeyFallbacks", []flask.Secret(nil)},
		{"SECRET_KEY_FALLBACKS", nil, "SecretKeyFallbacks", []flask.Secret(nil)},
		{"PERMANENT_SESSION_LIFETIME", 60, "Lifetime", time.Minute},
		{"PERMANENT_SESSION_LIFETIME", int64(2678400), "Lifetime", 31 * 24 * time.Hour},
		{"PERMANENT_SESSION_LIFETIME", 1.5, "Lifetime", 1500 * time.Millisecond},
		{"PERMANENT_SESSION_LIFETIME", json.Number("90"), "Lifetime", 90 * time.Second},
		{"PERMANENT_SESSION_LIFETIME", 2 * time.Hour, "Lifetime", 2 * time.Hour},
		{"PERMANENT_SESSION_LIFETIME", "1h30m", "Lifetime", 90 * time.Minute},
		{"PERMANENT_SESSION_LIFETIME", "31 days, 0:00:00", "Lifetime", 31 * 24 * time.Hour},
		{"PERMANENT_SESSION_LIFETIME", "31 days", "Lifetime", 31 * 24 * time.Hour},
		{"PERMANENT_SESSION_LIFETIME", "1 day, 2:03:04.500000", "Lifetime", 26*time.Hour + 3*time.Minute + 4500*time.Millisecond},
		{"PERMANENT_SESSION_LIFETIME", "12:00:00", "Lifetime", 12 * time.Hour},
		{"PERMANENT_SESSION_LIFETIME", "P31D", "Lifetime", 31 * 24 * time.Hour},
		{"PERMANENT_SESSION_LIFETIME", "P1W2DT3H4M5.5S", "Lifetime", 9*24*time.Hour + 3*time.Hour + 4*time.Minute + 5500*time.Millisecond},
		{"SESSION_COOKIE_NAME", "my_app", "CookieName", "my_app"},
		{"SESSION_COOKIE_DOMAIN", ".example.com", "CookieDomain", ".example.com"},
		{"SESSION_COOKIE_DOMAIN", false, "HostOnly", true},
		{"SESSION_COOKIE_DOMAIN", "", "HostOnly", true},
		{"SESSION_COOKIE_DOMAIN", nil, "HostOnly", false},
		{"SESSION_COOKIE_PATH", "/app", "CookiePath", "/app"},
		{"SESSION_COOKIE_PATH", "", "CookiePath", ""},
		{"SESSION_COOKIE_HTTPONLY", false, "CookieHTTPOnly", false},
		{"SESSION_COOKIE_HTTPONLY", 0, "CookieHTTPOnly", false},
		{"SESSION_COOKIE_SECURE", true, "CookieSecure", true},
		{"SESSION_COOKIE_SECURE", json.Number("1"), "CookieSecure", true},
		{"SESSION_COOKIE_SAMESITE", "Lax", "CookieSameSite", http.SameSiteLaxMode},
		{"SESSION_COOKIE_SAMESITE", "sTRICT", "CookieSameSite", http.SameSiteStrictMode},
		{"SESSION_COOKIE_SAMESITE", "None", "CookieSameSite", http.SameSiteNoneMode},
		{"SESSION_COOKIE_SAMESITE", nil, "CookieSameSite", http.SameSite(0)},
		{"SESSION_COOKIE_PARTITIONED", true, "CookiePartitioned", true},
		{"SESSION_REFRESH_EACH_REQUEST", false, "RefreshEachRequest", false},
		{"APPLICATION_ROOT", "/mounted", "ApplicationRoot", "/mounted"},
		{"SERVER_NAME", "example.com:5000", "ServerName", "example.com:5000"},
		{"SESSION_TYPE", "null", "Type", flask.TypeNull},
		{"SESSION_TYPE", nil, "Type", flask.TypeNull},
		{"SESSION_TYPE", "FileSystem", "Type", flask.TypeFileSystem},
		{"SESSION_TYPE", "cachelib", "Type", flask.TypeCacheLib},
		{"SESSION_PERMANENT", false, "Permanent", false},
		{"SESSION_USE_SIGNER", true, "UseSigner", true},
		{"SESSION_KEY_PREFIX", "app1:", "KeyPrefix", "app1:"},
		{"SESSION_KEY_PREFIX", "", "KeyPrefix", ""},
		{"SESSION_ID_LENGTH", 64, "IDLength", 64},
		{"SESSION_SERIALIZATION_FORMAT", "json", "Format", flask.FormatJSON},
		{"SESSION_SERIALIZATION_FORMAT", "pickle", "Format", flask.FormatPickle},
		{"SESSION_CLEANUP_N_REQUESTS", 1000.0, "CleanupRequests", 1000},
		{"SESSION_CLEANUP_N_REQUESTS", nil, "CleanupRequests", 0},
		{"SESSION_REDIS", "rediss://u:p@h:6379/0", "Redis", flask.ClientURL("rediss://u:p@h:6379/0")},
		{"SESSION_MEMCACHED", "memcached://a:1,b:2", "Memcached", flask.ClientURL("memcached://a:1,b:2")},
		{"SESSION_FILE_DIR", "/var/lib/s", "FileDir", "/var/lib/s"},
		{"SESSION_FILE_THRESHOLD", 0, "FileThreshold", 0},
		{"SESSION_FILE_MODE", 384, "FileMode", fs.FileMode(0o600)},
		{"SESSION_FILE_MODE", "0640", "FileMode", fs.FileMode(0o640)},
		{"SESSION_FILE_MODE", "0o660", "FileMode", fs.FileMode(0o660)},
		{"SESSION_FILE_MODE", fs.FileMode(0o644), "FileMode", fs.FileMode(0o644)},
		{"SESSION_CACHELIB", "file:sessions?threshold=5", "CacheLib", flask.ClientURL("file:sessions?threshold=5")},
		{"SESSION_MONGODB", "mongodb://a:1,b:2/?replicaSet=x", "MongoDB", flask.ClientURL("mongodb://a:1,b:2/?replicaSet=x")},
		{"SESSION_MONGODB_DB", "d", "MongoDBDatabase", "d"},
		{"SESSION_MONGODB_COLLECT", "c", "MongoDBCollection", "c"},
		{"SESSION_SQLALCHEMY", "sqlite:///x.db", "SQLAlchemy", flask.ClientURL("sqlite:///x.db")},
		{"SESSION_SQLALCHEMY_TABLE", "t", "SQLAlchemyTable", "t"},
		{"SESSION_SQLALCHEMY_SEQUENCE", "q", "SQLAlchemySequence", "q"},
		{"SESSION_SQLALCHEMY_SCHEMA", "s", "SQLAlchemySchema", "s"},
		{"SESSION_SQLALCHEMY_BIND_KEY", "b", "SQLAlchemyBindKey", "b"},
		{"SQLALCHEMY_DATABASE_URI", "anything", "SQLAlchemyDatabaseURI", flask.ClientURL("anything")},
		{"SQLALCHEMY_BINDS", map[string]any{"a": "x:y", "b": map[string]any{"url": "z:"}}, "SQLAlchemyBinds", map[string]flask.ClientURL{"a": "x:y", "b": "z:"}},
		{"SESSION_POSTGRESQL", "postgresql://h/d", "PostgreSQL", flask.ClientURL("postgresql://h/d")},
		{"SESSION_POSTGRESQL_TABLE", "t", "PostgreSQLTable", "t"},
		{"SESSION_POSTGRESQL_SCHEMA", "s", "PostgreSQLSchema", "s"},
		{"SESSION_DYNAMODB", "dynamodb://h:8000", "DynamoDB", flask.ClientURL("dynamodb://h:8000")},
		{"SESSION_DYNAMODB_TABLE", "T", "DynamoDBTable", "T"},
		{"SESSION_DYNAMODB_TABLE_EXISTS", true, "DynamoDBTableExists", true},
	} {
		c, err := load(values{test.key: test.value})
		if err != nil {
			t.Errorf("%s = %v: %v", test.key, test.value, err)
			continue
		}
		got := reflect.ValueOf(c).FieldByName(test.field).Interface()
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s = %v: %s is %#v, want %#v", test.key, test.value, test.field, got, test.want)
		}
	}
}

func TestEveryKeyHasItsFieldAndEveryFieldItsKey(t *testing.T) {
	goOnly := []string{"InsecureSecrets", "DomainBefore23", "HostOnly", "BackendConfig", "Warnings"}
	var fields []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[flask.Config]()) {
		if f.IsExported() && !slices.Contains(goOnly, f.Name) {
			fields = append(fields, f.Name)
		}
	}
	var keyed []string
	names := map[string]bool{}
	for _, k := range flask.Keys() {
		keyed = append(keyed, k.Field)
		if names[k.Name] {
			t.Errorf("%s is there twice", k.Name)
		}
		names[k.Name] = true
	}
	slices.Sort(fields)
	slices.Sort(keyed)
	if !slices.Equal(keyed, fields) {
		t.Errorf("the keys' fields are\n%v, those of Config are\n%v", keyed, fields)
	}
}

func TestWrongValues(t *testing.T) {
	for _, test := range []struct {
		key     string
		value   any
		problem string
		nearest string
	}{
		{"SECRET_KEY", 12345, "is a number, not text: put it in double quotes", ""},
		{"SECRET_KEY", true, "is true or false, not text", ""},
		{"SECRET_KEY", "", "is empty", ""},
		{"SECRET_KEY", nil, "is empty", ""},
		{"SECRET_KEY", "dev", "is shorter than 16 bytes", ""},
		{"SECRET_KEY", "dev-key-b7e94823a", "has a word in it", ""},
		{"SECRET_KEY", "CHANGEME-b7e94823a", "has a word in it", ""},
		{"SECRET_KEY", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", "is the one in Flask's documentation", ""},
		{"SECRET_KEY", "abababababababababab", "is monotonous", ""},
		{"SECRET_KEY", "caf\xe9caf\xe9caf\xe9caf\xe9", "is not valid UTF-8", ""},
		{"SECRET_KEY_FALLBACKS", "6fd0a1c5b7e94824", "Python would take each character for a secret", ""},
		{"SECRET_KEY_FALLBACKS", []byte("6fd0a1c5b7e94824"), "Python would take each character for a secret", ""},
		{"SECRET_KEY_FALLBACKS", 5, "is a number, not a list", ""},
		{"SECRET_KEY_FALLBACKS", map[string]any{"a": "b"}, "is a table, not a list of secrets", ""},
		{"SECRET_KEY_FALLBACKS", []any{goodSecret, 7}, "entry 1 is a number", ""},
		{"SECRET_KEY_FALLBACKS", []any{goodSecret, nil}, "entry 1 is null", ""},
		{"SECRET_KEY_FALLBACKS", []any{"o"}, "entry 0 is shorter than 16 bytes", ""},
		{"SECRET_KEY_FALLBACKS", []any{""}, "entry 0 is empty", ""},
		{"PERMANENT_SESSION_LIFETIME", nil, "may not be null", ""},
		{"PERMANENT_SESSION_LIFETIME", 0, "must be a second or more", ""},
		{"PERMANENT_SESSION_LIFETIME", -5, "must be a second or more", ""},
		{"PERMANENT_SESSION_LIFETIME", 0.999999, "must be a second or more", ""},
		{"PERMANENT_SESSION_LIFETIME", 1e300, "must be 36500 days or less", ""},
		{"PERMANENT_SESSION_LIFETIME", json.Number("1e999"), "", ""},
		{"PERMANENT_SESSION_LIFETIME", "3600", "is a number in quotes", ""},
		{"PERMANENT_SESSION_LIFETIME", "0", "is a number in quotes", ""},
		{"PERMANENT_SESSION_LIFETIME", "", "is text that is no duration", ""},
		{"PERMANENT_SESSION_LIFETIME", "P", "is text that is no duration", ""},
		{"PERMANENT_SESSION_LIFETIME", "P1DT", "is text that is no duration", ""},
		{"PERMANENT_SESSION_LIFETIME", "P1M", "is text that is no duration", ""},
		{"PERMANENT_SESSION_LIFETIME", ", 1:00:00", "is text that is no duration", ""},
		{"PERMANENT_SESSION_LIFETIME", "1 day1:00:00", "is text that is no duration", ""},
		{"PERMANENT_SESSION_LIFETIME", "-1 day, 23:59:59", "must be a second or more", ""},
		{"PERMANENT_SESSION_LIFETIME", true, "is true or false, not seconds", ""},
		{"SESSION_COOKIE_NAME", "", "is no name", ""},
		{"SESSION_COOKIE_NAME", "a b", "is no name", ""},
		{"SESSION_COOKIE_NAME", nil, "may not be null", ""},
		{"SESSION_COOKIE_NAME", "__Host-s", "browsers refuse without SESSION_COOKIE_SECURE", ""},
		{"SESSION_COOKIE_NAME", "__secure-s", "browsers refuse without SESSION_COOKIE_SECURE", ""},
		{"SESSION_COOKIE_DOMAIN", true, "is true or false, not text or false", ""},
		{"SESSION_COOKIE_DOMAIN", "False", "write false or null without quotes", ""},
		{"SESSION_COOKIE_DOMAIN", "a;b", "is no domain", ""},
		{"SESSION_COOKIE_DOMAIN", ".", "is no domain", ""},
		{"SESSION_COOKIE_DOMAIN", "a..b", "is no domain", ""},
		{"SESSION_COOKIE_PATH", "app", "does not begin with a slash", ""},
		{"SESSION_COOKIE_HTTPONLY", nil, "may not be null", ""},
		{"SESSION_COOKIE_SECURE", "False", `is the text "False", which Python takes for true whatever it says: write false`, ""},
		{"SESSION_COOKIE_SECURE", 2, "is the number 2, not true or false", ""},
		{"SESSION_COOKIE_SECURE", "on", "is text, not true or false", ""},
		{"SESSION_COOKIE_SAMESITE", "bogus", "is none of Lax, Strict and None", ""},
		{"SESSION_COOKIE_SAMESITE", "Laxe", "is none of Lax, Strict and None", "Lax"},
		{"SESSION_COOKIE_SAMESITE", "", "is none of Lax, Strict and None", ""},
		{"SESSION_COOKIE_SAMESITE", false, "is true or false, not text", ""},
		{"APPLICATION_ROOT", nil, "may not be null", ""},
		{"APPLICATION_ROOT", "", "does not begin with a slash", ""},
		{"SESSION_TYPE", "", "is none of null, redis", ""},
		{"SESSION_TYPE", "rediss", "is none of null, redis", "redis"},
		{"SESSION_TYPE", "postgres", "is none of null, redis", "postgresql"},
		{"SESSION_TYPE", "memcache", "is none of null, redis", "memcached"},
		{"SESSION_TYPE", 1, "is a number, not text", ""},
		{"SESSION_KEY_PREFIX", "my app:", "not printable ASCII", ""},
		{"SESSION_KEY_PREFIX", nil, "may not be null", ""},
		{"SESSION_KEY_PREFIX", strings.Repeat("x", 208), "more than the 250", ""},
		{"SESSION_ID_LENGTH", 15, "is less than 16 bytes", ""},
		{"SESSION_ID_LENGTH", 129, "is more than 128 bytes", ""},
		{"SESSION_ID_LENGTH", 32.5, "is not a whole number", ""},
		{"SESSION_ID_LENGTH", true, "is true or false, not a number", ""},
		{"SESSION_SERIALIZATION_FORMAT", "JSON", "is none of msgpack, json, pickle", "json"},
		{"SESSION_SERIALIZATION_FORMAT", "messagepack", "is none of msgpack, json, pickle", ""},
		{"SESSION_CLEANUP_N_REQUESTS", -1, "is negative", ""},
		{"SESSION_FILE_THRESHOLD", -1, "is negative", ""},
		{"SESSION_FILE_THRESHOLD", 1e10, "is not a whole number of a sensible size", ""},
		{"SESSION_FILE_MODE", 600, "is the number 600, 0o1130 in octal, and no mode", ""},
		{"SESSION_FILE_MODE", "rw", "is text that is not octal digits", ""},
		{"SESSION_FILE_MODE", "0400", "the owner must be able to read and write", ""},
		{"SESSION_FILE_MODE", fs.FileMode(0o600) | fs.ModeSetuid, "and no mode", ""},
		{"SESSION_REDIS", "localhost:6379", "is not a URL", ""},
		{"SESSION_REDIS", "127.0.0.1:6379", "is not a URL", ""},
		{"SESSION_REDIS", "localhost", "is not a URL", ""},
		{"SESSION_REDIS", "", "is an empty text, not a URL", ""},
		{"SESSION_REDIS", map[string]any{}, "is a table, not a URL", ""},
		{"SESSION_REDIS_URL", "redis://h", "is no key of Flask or Flask-Session", "SESSION_REDIS"},
		{"SQLALCHEMY_BINDS", "x", "is text, not a table of URLs", ""},
		{"SQLALCHEMY_BINDS", map[string]any{"a": 1}, `entry "a": is a number, not a URL`, ""},

		{"SESSION_COOKIE_SAME_SITE", "Lax", "is no key", "SESSION_COOKIE_SAMESITE"},
		{"SESSION_COOKIE_HTTP_ONLY", true, "is no key", "SESSION_COOKIE_HTTPONLY"},
		{"SESSION_COKIE_NAME", "x", "is no key", "SESSION_COOKIE_NAME"},
		{"SESSION_LIFETIME", 60, "is no key", "PERMANENT_SESSION_LIFETIME"},
		{"SESSION_SECRET_KEY", "x", "is no key", "SECRET_KEY"},
		{"SESSION_DYNAMODB_TABLE_NAME", "x", "is no key", "SESSION_DYNAMODB_TABLE"},
		{"SESSION_FILE_PATH", "x", "is no key", "SESSION_FILE_DIR"},
		{"SESSION_MONGODB_COLLECTION", "x", "is no key", "SESSION_MONGODB_COLLECT"},
		{"SESSION_PERMANENT_LIFETIME", 60, "is no key", "PERMANENT_SESSION_LIFETIME"},
		{"SESSION_SECRET", "x", "is no key", "SECRET_KEY"},
		{"SESSION_SECURE", true, "is no key", "SESSION_COOKIE_SECURE"},
		{"SESSION_DIR", "x", "is no key", "SESSION_FILE_DIR"},
		{"SESSION_FORMAT", "json", "is no key", "SESSION_SERIALIZATION_FORMAT"},
		{"SESSION_REFRESH", true, "is no key", "SESSION_REFRESH_EACH_REQUEST"},
		{"SESSION_CLEANUP", 100, "is no key", "SESSION_CLEANUP_N_REQUESTS"},
		{"SESSION_XYZZY_PLUGH_FROTZ", "x", "is no key", ""},
		{"SESSION_", "x", "is no key", ""},
		{"SECRET_KEY_FALLBACK", []any{}, "is no key", "SECRET_KEY_FALLBACKS"},
		{"PERMANENT_SESSION_LIFTIME", 5, "is no key", "PERMANENT_SESSION_LIFETIME"},
		{"session_cookie_secure", true, "Flask takes no notice of keys in lower case", "SESSION_COOKIE_SECURE"},
		{"secret_key", "x", "Flask takes no notice of keys in lower case", "SECRET_KEY"},
	} {
		_, err := load(values{test.key: test.value})
		e, ok := errors.AsType[*flask.ConfigError](err)
		if !ok {
			t.Errorf("%s = %v: got %v, want a ConfigError", test.key, test.value, err)
			continue
		}
		if e.Key != test.key || e.Source != "map" || !strings.Contains(e.Problem, test.problem) || e.Nearest != test.nearest {
			t.Errorf("%s = %v: got %q, want %q, nearest %q", test.key, test.value, e, test.problem, test.nearest)
		}
		if n := len(strings.Split(err.Error(), "\n")); n != 1 {
			t.Errorf("%s = %v: one mistake is told in %d lines:\n%v", test.key, test.value, n, err)
		}
	}
}

func TestKeysOfOthersAreLeftAlone(t *testing.T) {
	want := mustLoad(t, nil)
	got := mustLoad(t, values{
		"DEBUG": true, "SECRET_KEY_BASE": "x", "SQLALCHEMY_ECHO": 1, "SERVER": "x", "MAX_COOKIE_SIZE": 1,
		"SESSIONS": 1, "title": "lower case", "APPLICATION_ROOT_URL": "x",
	})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("app.json", []byte(`{"SESSION_TYPE": "redis", "SESSION_ID_LENGTH": "long"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := flask.Load(
		flask.FromFile("app.json", nil),
		flask.FromFile("missing.json", nil),
		flask.FromEnv([]string{"FLASK_SESSION_COOKIE_SECURE=False", "SESSION_USE_SIGNR=true", "SESSION_USE_SIGNER=true"}),
		flask.FromMap(map[string]any{"SESSION_COOKIE_SAMESITE": "bogus"}),
	)
	want := []string{
		`flask: config: SESSION_ID_LENGTH (file app.json): is text, not a number`,
		`flask: config: file missing.json: cannot be read: no such file or directory`,
		`flask: config: SESSION_USE_SIGNR (environment SESSION_USE_SIGNR): is no key of Flask or Flask-Session; did you mean SESSION_USE_SIGNER?`,
		`flask: config: SESSION_COOKIE_SECURE (environment FLASK_SESSION_COOKIE_SECURE): is the text "False", which Python takes for true whatever it says: write false without quotes`,
		`flask: config: SESSION_COOKIE_SAMESITE (map): is none of Lax, Strict and None`,
		`flask: config: SESSION_REDIS: is missing: SESSION_TYPE redis needs a URL; Flask-Session has 127.0.0.1:6379 as its default`,
		`flask: config: SECRET_KEY: is missing: SESSION_USE_SIGNER needs one`,
	}
	if got := strings.Split(fmt.Sprint(err), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the missing file cannot be told with errors.Is")
	}
}

func TestLaterSourcesWin(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("app.json", []byte(`{"SESSION_COOKIE_NAME": "file", "SESSION_COOKIE_PATH": "/file", "APPLICATION_ROOT": "/file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := flask.Load(
		flask.FromMap(map[string]any{"SECRET_KEY": goodSecret, "SESSION_COOKIE_NAME": "map"}),
		flask.FromFile("app.json", nil),
		flask.FromEnv([]string{"FLASK_SESSION_COOKIE_PATH=/prefixed", "SESSION_COOKIE_PATH=/plain", "APPLICATION_ROOT=/plain"}),
		flask.Source{},
	)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := []string{c.CookieName, c.CookiePath, c.ApplicationRoot}, []string{"file", "/prefixed", "/plain"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnErrorLeavesTheConfigAsItWas(t *testing.T) {
	c := mustLoad(t, values{"SQLALCHEMY_BINDS": map[string]any{"a": "x:y"}})
	before := c
	err := c.Load(flask.FromEnv([]string{"SESSION_COOKIE_NAME=other", "FLASK_SQLALCHEMY_BINDS__b=x:z", "SESSION_ID_LENGTH=1"}))
	if err == nil {
		t.Fatal("no error")
	}
	if !reflect.DeepEqual(c, before) || len(c.SQLAlchemyBinds) != 1 {
		t.Errorf("got %+v, want %+v", c, before)
	}
}

func TestBackends(t *testing.T) {
	binds := map[string]any{"users": "postgresql://h/users", "bad": "nothing"}
	for _, test := range []struct {
		name    string
		config  values
		client  string
		problem string // of the only error
	}{
		{"the cookie needs no client", values{}, "", ""},
		{"null needs neither client nor secret", values{"SESSION_TYPE": "null", "SECRET_KEY": nil}, "", ""},
		{"an unsigned ID needs no secret", values{"SESSION_TYPE": "filesystem", "SECRET_KEY": nil}, "", ""},
		{"an unsigned ID takes any secret", values{"SESSION_TYPE": "filesystem", "SECRET_KEY": "dev"}, "", ""},
		{"a signed ID takes no weak secret", values{"SESSION_TYPE": "filesystem", "SESSION_USE_SIGNER": true, "SECRET_KEY": "dev"}, "", "SECRET_KEY (map): is shorter"},
		{"files need a folder", values{"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": ""}, "", "SESSION_FILE_DIR (map): is empty"},
		{"redis", values{"SESSION_TYPE": "redis", "SESSION_REDIS": "redis://h"}, "redis://h", ""},
		{"redis without a client", values{"SESSION_TYPE": "redis"}, "", "SESSION_REDIS: is missing"},
		{"memcached", values{"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": "memcached://h"}, "memcached://h", ""},
		{"memcached without a client", values{"SESSION_TYPE": "memcached"}, "", "SESSION_MEMCACHED: is missing"},
		{"cachelib", values{"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": "file:x"}, "file:x", ""},
		{"cachelib without a client", values{"SESSION_TYPE": "cachelib"}, "", ""},
		{"mongodb", values{"SESSION_TYPE": "mongodb", "SESSION_MONGODB": "mongodb://h"}, "mongodb://h", ""},
		{"mongodb without a client", values{"SESSION_TYPE": "mongodb"}, "", "SESSION_MONGODB: is missing"},
		{"mongodb without a collection", values{"SESSION_TYPE": "mongodb", "SESSION_MONGODB": "mongodb://h", "SESSION_MONGODB_COLLECT": ""}, "", "SESSION_MONGODB_COLLECT (map): is empty"},
		{"postgresql", values{"SESSION_TYPE": "postgresql", "SESSION_POSTGRESQL": "postgresql://h"}, "postgresql://h", ""},
		{"postgresql without a client", values{"SESSION_TYPE": "postgresql"}, "", "SESSION_POSTGRESQL: is missing"},
		{"dynamodb", values{"SESSION_TYPE": "dynamodb", "SESSION_DYNAMODB": "dynamodb://h"}, "dynamodb://h", ""},
		{"dynamodb without a client", values{"SESSION_TYPE": "dynamodb"}, "", "SESSION_DYNAMODB: is missing"},
		{"sqlalchemy by its own key", values{"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY": "sqlite:x", "SQLALCHEMY_DATABASE_URI": "sqlite:y"}, "sqlite:x", ""},
		{"sqlalchemy by Flask-SQLAlchemy's key", values{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "sqlite:y"}, "sqlite:y", ""},
		{"sqlalchemy by a bind", values{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "sqlite:y", "SQLALCHEMY_BINDS": binds, "SESSION_SQLALCHEMY_BIND_KEY": "users"}, "postgresql://h/users", ""},
		{"sqlalchemy without a URL", values{"SESSION_TYPE": "sqlalchemy"}, "", "SESSION_SQLALCHEMY: is missing"},
		{"sqlalchemy with a bad URL", values{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": "nothing"}, "", "SQLALCHEMY_DATABASE_URI (map): is not a URL"},
		{"sqlalchemy by an unknown bind", values{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_BINDS": binds, "SESSION_SQLALCHEMY_BIND_KEY": "x"}, "", "SESSION_SQLALCHEMY_BIND_KEY (map): is no entry"},
		{"sqlalchemy by a bad bind", values{"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_BINDS": binds, "SESSION_SQLALCHEMY_BIND_KEY": "bad"}, "", "SQLALCHEMY_BINDS (map): is not a URL"},
		{"sqlalchemy by two keys", values{"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY": "sqlite:x", "SQLALCHEMY_BINDS": binds, "SESSION_SQLALCHEMY_BIND_KEY": "users"}, "", "both say which database"},
	} {
		c, err := load(test.config)
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: got %v, want %q", test.name, err, test.problem)
		case err == nil && string(c.Client()) != test.client:
			t.Errorf("%s: the client is %q, want %q", test.name, string(c.Client()), test.client)
		}
	}
}

func TestValidateChecksWhatAProgramFilledIn(t *testing.T) {
	good := flask.DefaultConfig()
	good.SecretKey = flask.Secret(goodSecret)
	if err := good.Validate(); err != nil {
		t.Fatalf("good: %v", err)
	}
	for name, change := range map[string]func(*flask.Config){
		"SESSION_TYPE":                 func(c *flask.Config) { c.Type = "Redis" },
		"SESSION_SERIALIZATION_FORMAT": func(c *flask.Config) { c.Format = "" },
		"PERMANENT_SESSION_LIFETIME":   func(c *flask.Config) { c.Lifetime = 0 },
		"SESSION_FILE_MODE":            func(c *flask.Config) { c.FileMode = 0 },
		"SESSION_COOKIE_SAMESITE":      func(c *flask.Config) { c.CookieSameSite = 77 },
		"SESSION_REDIS":                func(c *flask.Config) { c.Redis = "h:1" },
		"SESSION_COOKIE_DOMAIN":        func(c *flask.Config) { c.CookieDomain, c.HostOnly = "a.example", true },
		"SECRET_KEY":                   func(c *flask.Config) { c.SecretKey = nil },
		"SERVER_NAME":                  func(c *flask.Config) { c.ServerName = "a b" },
	} {
		c := good
		change(&c)
		e, ok := errors.AsType[*flask.ConfigError](c.Validate())
		if !ok || e.Key != name {
			t.Errorf("%s: got %v", name, e)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, test := range []struct {
		name   string
		config values
		want   string // of the only warning; empty for none
	}{
		{"a plain configuration", values{"SESSION_COOKIE_SECURE": true}, ""},
		{"a client without its type", values{"SESSION_REDIS": "redis://u:p@h"}, "SESSION_REDIS (map) has no effect while SESSION_TYPE is not set: sessions are in the cookie, for their visitors to read"},
		{"another backend's key", values{"SESSION_TYPE": "filesystem", "SESSION_MONGODB_DB": "x"}, "SESSION_MONGODB_DB (map) has no effect while SESSION_TYPE is filesystem"},
		{"keys of the backend", values{"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": "x", "SESSION_FILE_MODE": "0600"}, ""},
		{"files are pickles", values{"SESSION_TYPE": "filesystem", "SESSION_SERIALIZATION_FORMAT": "json"}, "SESSION_SERIALIZATION_FORMAT (map) has no effect while SESSION_TYPE is filesystem"},
		{"SameSite=None without Secure", values{"SESSION_COOKIE_SAMESITE": "None"}, "SESSION_COOKIE_SAMESITE is None without SESSION_COOKIE_SECURE: most browsers drop the cookie"},
		{"fallbacks of a signed ID", values{"SESSION_TYPE": "filesystem", "SESSION_USE_SIGNER": true, "SECRET_KEY_FALLBACKS": []any{goodSecret}}, "SECRET_KEY_FALLBACKS does not hold for IDs signed by SESSION_USE_SIGNER"},
		{"files for all to read", values{"SESSION_TYPE": "filesystem", "SESSION_FILE_MODE": "0644"}, "SESSION_FILE_MODE 0644 lets others on this machine at the sessions"},
		{"Flask-Session knows no Partitioned", values{"SESSION_TYPE": "filesystem", "SESSION_COOKIE_PARTITIONED": true}, "SESSION_COOKIE_PARTITIONED (map) has no effect while SESSION_TYPE is filesystem"},
		{"cleaning up what expires by itself", values{"SESSION_TYPE": "filesystem", "SESSION_CLEANUP_N_REQUESTS": 5}, "SESSION_CLEANUP_N_REQUESTS (map) has no effect while SESSION_TYPE is filesystem"},
	} {
		c := mustLoad(t, test.config)
		if got := strings.Join(c.Warnings, "\n"); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestFromFileTakesAnyFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.toml")
	if err := os.WriteFile(path, []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := flask.Load(flask.FromFile(path, func(data []byte) (map[string]any, error) {
		return map[string]any{string(data) + "_KEY": goodSecret, "SESSION_ID_LENGTH": int64(40)}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if string(c.SecretKey) != goodSecret || c.IDLength != 40 {
		t.Errorf("got %q and %d", string(c.SecretKey), c.IDLength)
	}
}

func TestOneMistakeIsToldOnce(t *testing.T) {
	for _, m := range []map[string]any{
		{"SECRET_KEY": 5},
		{"SECRET_KEY": goodSecret, "SESSION_TYPE": "redis", "SESSION_REDIS": "localhost:6379"},
		{"SECRET_KEY": goodSecret, "SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": 5},
	} {
		_, err := flask.Load(flask.FromMap(m))
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: got %v, want one line", m, err)
		}
	}
}

func TestAFailedValidateHasNoWarnings(t *testing.T) {
	c := mustLoad(t, values{"SESSION_COOKIE_SAMESITE": "None"})
	c.IDLength = 0
	if err := c.Validate(); err == nil || c.Warnings != nil {
		t.Errorf("got %v and %q", err, c.Warnings)
	}
}

func TestTheFirstOfManyVariablesWins(t *testing.T) {
	environ := []string{"SECRET_KEY=" + goodSecret}
	for i := range 100 {
		environ = append(environ, fmt.Sprintf("SESSION_COOKIE_NAME=c%d", i), fmt.Sprintf("SESSION_COOKIE_PATH=/%d", i))
	}
	c, err := flask.Load(flask.FromEnv(environ))
	if err != nil || c.CookieName != "c0" || c.CookiePath != "/0" {
		t.Errorf("got %q, %q and %v", c.CookieName, c.CookiePath, err)
	}
}
