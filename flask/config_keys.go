package flask

import (
	"slices"
	"time"
)

// A kind says what values a key takes.
type kind struct {
	name string // for the table of keys
	text bool   // a plain environment variable is the value as it is, not JSON
}

var (
	kindText     = kind{"text", true}
	kindSecret   = kind{"text or bytes", true}
	kindSecrets  = kind{"list of text or bytes", false}
	kindDomain   = kind{"text or `false`", false}
	kindChoice   = kind{"text", true}
	kindURL      = kind{"URL", true}
	kindBool     = kind{"`true`, `false`", false}
	kindInt      = kind{"number", false}
	kindDuration = kind{"seconds or duration", false}
	kindMode     = kind{"octal text or number", false}
	kindTable    = kind{"table", false}
)

// configKey is one key of Flask's or Flask-Session's.
type configKey struct {
	name  string
	kind  kind
	def   string // the default, as Markdown
	field string // of Config
	since string // the version that brought it
	null  string // what null means; empty if it is refused
	note  string
	set   func(*Config, any) error
}

// configKeys is the one list of keys: reading, suggestions and the table in
// the documentation come from it.
var configKeys = slices.Concat(flaskKeys, flaskSessionKeys, backendKeys)

const none = "none"

var flaskKeys = []configKey{
	{"SECRET_KEY", kindSecret, none, "SecretKey", "Flask 0.3", none,
		"At least 16 random bytes, unless `InsecureSecrets` is set.",
		setter(func(c *Config) *Secret { return &c.SecretKey }, toSecret)},
	{"SECRET_KEY_FALLBACKS", kindSecrets, none, "SecretKeyFallbacks", "Flask 3.1", none,
		"Former secrets, which verify but do not sign. Not for signed IDs. Plain text is refused.",
		setter(func(c *Config) *[]Secret { return &c.SecretKeyFallbacks }, toSecrets)},
	{"PERMANENT_SESSION_LIFETIME", kindDuration, "31 days", "Lifetime", "Flask 0.3", "",
		"Text may be `12h`, `31 days, 0:00:00` or `P31D`. One second to 36500 days.",
		setter(func(c *Config) *time.Duration { return &c.Lifetime }, toDuration)},
	{"SESSION_COOKIE_NAME", kindText, "`session`", "CookieName", "Flask 0.3", "", "",
		setText(func(c *Config) *string { return &c.CookieName })},
	{"SESSION_COOKIE_DOMAIN", kindDomain, none, "CookieDomain", "Flask 0.8", none,
		"`false`: none, not even from `SERVER_NAME`.", setDomain},
	{"SESSION_COOKIE_PATH", kindText, none, "CookiePath", "Flask 0.8", none,
		"None or empty: `APPLICATION_ROOT`.",
		setText(func(c *Config) *string { return &c.CookiePath })},
	{"SESSION_COOKIE_HTTPONLY", kindBool, "`true`", "CookieHTTPOnly", "Flask 0.8", "", "",
		setBool(func(c *Config) *bool { return &c.CookieHTTPOnly })},
	{"SESSION_COOKIE_SECURE", kindBool, "`false`", "CookieSecure", "Flask 0.8", "",
		"Turn it on wherever there is TLS.",
		setBool(func(c *Config) *bool { return &c.CookieSecure })},
	{"SESSION_COOKIE_SAMESITE", kindChoice, none, "CookieSameSite", "Flask 1.0, Flask-Session 0.4", none,
		"`Lax`, `Strict` or `None`, in any case.", setSameSite},
	{"SESSION_COOKIE_PARTITIONED", kindBool, "`false`", "CookiePartitioned", "Flask 3.1", "",
		"Makes Flask's own cookie Secure. Flask-Session ignores it.",
		setBool(func(c *Config) *bool { return &c.CookiePartitioned })},
	{"SESSION_REFRESH_EACH_REQUEST", kindBool, "`true`", "RefreshEachRequest", "Flask 0.11", "",
		"For permanent sessions.",
		setBool(func(c *Config) *bool { return &c.RefreshEachRequest })},
	{"APPLICATION_ROOT", kindText, "`/`", "ApplicationRoot", "Flask 0.8", "", "",
		setText(func(c *Config) *string { return &c.ApplicationRoot })},
	{"SERVER_NAME", kindText, none, "ServerName", "Flask 0.5", none,
		"The cookie's domain in Flask before 2.3. Of the environment only as `FLASK_SERVER_NAME`.",
		setText(func(c *Config) *string { return &c.ServerName })},
}

var flaskSessionKeys = []configKey{
	{"SESSION_TYPE", kindChoice, none, "Type", "Flask-Session 0.1", "`null`",
		"None: Flask's own signed cookie. Or `null`, `redis`, `memcached`, `filesystem`, `cachelib` (0.7), " +
			"`mongodb`, `sqlalchemy` (0.2), `dynamodb` (0.8), `postgresql` (development), in any case.", setType},
	{"SESSION_PERMANENT", kindBool, "`true`", "Permanent", "Flask-Session 0.2.2", "", "Not for Flask's own cookie.",
		setBool(func(c *Config) *bool { return &c.Permanent })},
	{"SESSION_USE_SIGNER", kindBool, "`false`", "UseSigner", "Flask-Session 0.2", "", "Deprecated in 0.7.",
		setBool(func(c *Config) *bool { return &c.UseSigner })},
	{"SESSION_KEY_PREFIX", kindText, "`session:`", "KeyPrefix", "Flask-Session 0.1", "", "",
		setText(func(c *Config) *string { return &c.KeyPrefix })},
	{"SESSION_ID_LENGTH", kindInt, "32", "IDLength", "Flask-Session 0.6", "",
		"Random bytes, 16 to 128; the text is a third longer. Before: a UUID.",
		setInt(func(c *Config) *int { return &c.IDLength })},
	{"SESSION_SERIALIZATION_FORMAT", kindChoice, "`msgpack`", "Format", "Flask-Session 0.7", "",
		"`msgpack` or `json`; here also `pickle`, for Flask-Session before 0.7. Files are pickles always.", setFormat},
	{"SESSION_CLEANUP_N_REQUESTS", kindInt, none, "CleanupRequests", "Flask-Session 0.7", none,
		"For SQL, in Flask-Session: expired records are deleted once in so many requests. Here any number means every ten minutes. None or 0: never.",
		setInt(func(c *Config) *int { return &c.CleanupRequests })},
}

var backendKeys = []configKey{
	{"SESSION_REDIS", kindURL, none, "Redis", "Flask-Session 0.1", none,
		"Flask-Session: a `redis.Redis`, else 127.0.0.1:6379.",
		setter(func(c *Config) *ClientURL { return &c.Redis }, toURL)},
	{"SESSION_MEMCACHED", kindURL, none, "Memcached", "Flask-Session 0.1", none,
		"Flask-Session: a `memcache.Client` or the like, else 127.0.0.1:11211.",
		setter(func(c *Config) *ClientURL { return &c.Memcached }, toURL)},
	{"SESSION_FILE_DIR", kindText, "`flask_session`", "FileDir", "Flask-Session 0.1", "",
		"Below the working directory if relative. Deprecated in 0.7.",
		setText(func(c *Config) *string { return &c.FileDir })},
	{"SESSION_FILE_THRESHOLD", kindInt, "500", "FileThreshold", "Flask-Session 0.1", "",
		"With more files, a save first deletes expired ones; in Flask-Session live ones, too. 0: no limit. Deprecated in 0.7.",
		setInt(func(c *Config) *int { return &c.FileThreshold })},
	{"SESSION_FILE_MODE", kindMode, "`0600`", "FileMode", "Flask-Session 0.1", "",
		"Deprecated in 0.7.", setMode},
	{"SESSION_CACHELIB", kindURL, none, "CacheLib", "Flask-Session 0.7", none,
		"Flask-Session: a cachelib cache. None: files in `flask_session`.",
		setter(func(c *Config) *ClientURL { return &c.CacheLib }, toURL)},
	{"SESSION_MONGODB", kindURL, none, "MongoDB", "Flask-Session 0.1", none,
		"Flask-Session: a `pymongo.MongoClient`, else localhost:27017.",
		setter(func(c *Config) *ClientURL { return &c.MongoDB }, toURL)},
	{"SESSION_MONGODB_DB", kindText, "`flask_session`", "MongoDBDatabase", "Flask-Session 0.1", "", "",
		setText(func(c *Config) *string { return &c.MongoDBDatabase })},
	{"SESSION_MONGODB_COLLECT", kindText, "`sessions`", "MongoDBCollection", "Flask-Session 0.1", "", "",
		setText(func(c *Config) *string { return &c.MongoDBCollection })},
	{"SESSION_SQLALCHEMY", kindURL, none, "SQLAlchemy", "Flask-Session 0.2", none,
		"Flask-Session: a `flask_sqlalchemy.SQLAlchemy`. None: `SQLALCHEMY_DATABASE_URI`, or the bind.",
		setter(func(c *Config) *ClientURL { return &c.SQLAlchemy }, toURL)},
	{"SESSION_SQLALCHEMY_TABLE", kindText, "`sessions`", "SQLAlchemyTable", "Flask-Session 0.2", "", "",
		setText(func(c *Config) *string { return &c.SQLAlchemyTable })},
	{"SESSION_SQLALCHEMY_SEQUENCE", kindText, none, "SQLAlchemySequence", "Flask-Session 0.6", none, "",
		setText(func(c *Config) *string { return &c.SQLAlchemySequence })},
	{"SESSION_SQLALCHEMY_SCHEMA", kindText, none, "SQLAlchemySchema", "Flask-Session 0.6", none, "",
		setText(func(c *Config) *string { return &c.SQLAlchemySchema })},
	{"SESSION_SQLALCHEMY_BIND_KEY", kindText, none, "SQLAlchemyBindKey", "Flask-Session 0.6", none,
		"An entry of `SQLALCHEMY_BINDS`.",
		setText(func(c *Config) *string { return &c.SQLAlchemyBindKey })},
	{"SQLALCHEMY_DATABASE_URI", kindURL, none, "SQLAlchemyDatabaseURI", "Flask-SQLAlchemy", none,
		"Where `SESSION_SQLALCHEMY` is none.", setDatabaseURI},
	{"SQLALCHEMY_BINDS", kindTable, none, "SQLAlchemyBinds", "Flask-SQLAlchemy", none,
		"A URL, or a table with a `url`, for each name.", setBinds},
	{"SESSION_POSTGRESQL", kindURL, none, "PostgreSQL", "Flask-Session development", none,
		"Flask-Session: a `psycopg2.pool.ThreadedConnectionPool`, which has no default.",
		setter(func(c *Config) *ClientURL { return &c.PostgreSQL }, toURL)},
	{"SESSION_POSTGRESQL_TABLE", kindText, "`flask_sessions`", "PostgreSQLTable", "Flask-Session development", "", "",
		setText(func(c *Config) *string { return &c.PostgreSQLTable })},
	{"SESSION_POSTGRESQL_SCHEMA", kindText, "`public`", "PostgreSQLSchema", "Flask-Session development", "", "",
		setText(func(c *Config) *string { return &c.PostgreSQLSchema })},
	{"SESSION_DYNAMODB", kindURL, none, "DynamoDB", "Flask-Session 0.8", none,
		"Flask-Session: a `boto3.resource`, else localhost:8000.",
		setter(func(c *Config) *ClientURL { return &c.DynamoDB }, toURL)},
	{"SESSION_DYNAMODB_TABLE", kindText, "`Sessions`", "DynamoDBTable", "Flask-Session 0.8", "",
		"`SESSION_DYNAMODB_TABLE_NAME` in its manual, which is wrong.",
		setText(func(c *Config) *string { return &c.DynamoDBTable })},
	{"SESSION_DYNAMODB_TABLE_EXISTS", kindBool, "`false`", "DynamoDBTableExists", "Flask-Session development", "",
		"Do not try to make the table.",
		setBool(func(c *Config) *bool { return &c.DynamoDBTableExists })},
}

var keyByName = func() map[string]*configKey {
	m := make(map[string]*configKey, len(configKeys))
	for i := range configKeys {
		m[configKeys[i].name] = &configKeys[i]
	}
	return m
}()

func isKey(name string) bool { return keyByName[name] != nil }
