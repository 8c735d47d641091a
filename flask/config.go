package flask

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"time"
)

// Config holds the settings that Flask and Flask-Session read from app.config,
// under Go's names and with Go's types. DefaultConfig returns the defaults of
// both, Load changes them from files, the environment or a map, and Validate
// checks a Config that a program has filled in itself. The zero Config is not
// valid.
//
// Each field names its key. "Flask" and "Flask-Session" mean all versions
// unless one is given; "development" is Flask-Session's branch after 0.8.0.
type Config struct {
	// InsecureSecrets is no key of Flask's. It allows secrets that can be
	// guessed: SECRET_KEY and SECRET_KEY_FALLBACKS under 16 bytes, well-known
	// or monotonous, and a SESSION_ID_LENGTH under 16. Flask takes them all.
	InsecureSecrets bool

	// DomainBefore23 is no key of Flask's. It makes the cookie's domain what
	// Flask before 2.3 makes it, see LegacyDomain, for a fleet in which such
	// applications take part. A visitor would otherwise have two cookies.
	DomainBefore23 bool

	// SecretKey is SECRET_KEY: text or bytes that sign Flask's own cookie, and
	// IDs with SESSION_USE_SIGNER. Default: none, which is refused where
	// something has to be signed; Flask then has a null session.
	SecretKey Secret

	// SecretKeyFallbacks is SECRET_KEY_FALLBACKS (Flask 3.1): a list of former
	// secrets that still verify Flask's own cookie. Signed IDs ignore it.
	// Default: none. A lone text is refused: Python would take each of its
	// characters for a secret.
	SecretKeyFallbacks []Secret

	// Lifetime is PERMANENT_SESSION_LIFETIME, in seconds or as a duration: how
	// long a session lives after its last use. Default: 31 days. It must lie
	// between a second and a hundred years; Flask takes any, and its backends
	// differ in what zero and less mean.
	Lifetime time.Duration

	// CookieName is SESSION_COOKIE_NAME. Default: "session".
	CookieName string

	// CookieDomain is SESSION_COOKIE_DOMAIN. Default: none, so that only the
	// host that set the cookie gets it. See Domain and LegacyDomain.
	CookieDomain string

	// HostOnly is SESSION_COOKIE_DOMAIN set to false: no Domain, not even
	// from SERVER_NAME where Flask before 2.3 would make one of that.
	HostOnly bool

	// CookiePath is SESSION_COOKIE_PATH. Default: none, which means
	// APPLICATION_ROOT. See Path.
	CookiePath string

	// CookieHTTPOnly is SESSION_COOKIE_HTTPONLY. Default: true.
	CookieHTTPOnly bool

	// CookieSecure is SESSION_COOKIE_SECURE. Default: false, as in Flask; turn
	// it on wherever there is TLS.
	CookieSecure bool

	// CookieSameSite is SESSION_COOKIE_SAMESITE (Flask 1.0, Flask-Session
	// 0.4): "Lax", "Strict" or "None" in any case. Default: 0, no such
	// attribute, which most browsers take for Lax.
	CookieSameSite http.SameSite

	// CookiePartitioned is SESSION_COOKIE_PARTITIONED (Flask 3.1). Default:
	// false. Flask's own cookie is then Secure, too; Flask-Session ignores it.
	CookiePartitioned bool

	// RefreshEachRequest is SESSION_REFRESH_EACH_REQUEST (Flask 0.11): a
	// permanent session's cookie is sent with every answer. Default: true.
	RefreshEachRequest bool

	// ApplicationRoot is APPLICATION_ROOT, the path that the application is
	// mounted under. Default: "/".
	ApplicationRoot string

	// ServerName is SERVER_NAME, a host with or without a port, from which
	// Flask before 2.3 makes the cookie's domain. Default: none. Of the
	// environment only FLASK_SERVER_NAME is read: CGI has a SERVER_NAME, too.
	ServerName string

	// Type is SESSION_TYPE. Default: TypeCookie, Flask without Flask-Session.
	Type Type

	// Permanent is SESSION_PERMANENT: Flask-Session's new sessions outlive the
	// browser. Default: true. Flask's own cookie does not know it.
	Permanent bool

	// UseSigner is SESSION_USE_SIGNER: the cookie holds a signed ID. Default:
	// false. Deprecated by Flask-Session 0.7, but still in it.
	UseSigner bool

	// KeyPrefix is SESSION_KEY_PREFIX, put before each ID to name its record.
	// Default: "session:".
	KeyPrefix string

	// IDLength is SESSION_ID_LENGTH (Flask-Session 0.6), the random bytes in
	// an ID. Default: 32, which is 43 characters. 16 to 128 are allowed.
	IDLength int

	// Format is SESSION_SERIALIZATION_FORMAT (Flask-Session 0.7). Default:
	// FormatMsgPack. Flask-Session's files are pickles whatever it says.
	Format Format

	// CleanupRequests is SESSION_CLEANUP_N_REQUESTS (Flask-Session 0.7), which
	// deletes expired records of SQL databases once in so many requests on
	// average. Here any number but 0 means every ten minutes. Default: 0, never.
	CleanupRequests int

	BackendConfig

	// Warnings says what in the configuration has no effect or may not be
	// meant. Load and Validate set it. No secrets are in it.
	Warnings []string

	origins map[string]string // of each key that a Source has set
}

// BackendConfig is that part of a Config that concerns one SESSION_TYPE only.
// Where Flask-Session takes a Python client, the key takes a URL for
// store.Openers; a client that is needed and missing is refused, where
// Flask-Session would connect to localhost.
type BackendConfig struct {
	// Redis is SESSION_REDIS. Default: none; Flask-Session: 127.0.0.1:6379.
	Redis ClientURL

	// Memcached is SESSION_MEMCACHED. Default: none; Flask-Session:
	// 127.0.0.1:11211.
	Memcached ClientURL

	// FileDir is SESSION_FILE_DIR. Default: "flask_session", a folder below
	// the working directory. The FILE keys are deprecated by Flask-Session 0.7
	// in favour of SESSION_CACHELIB, but still in it.
	FileDir string

	// FileThreshold is SESSION_FILE_THRESHOLD: with more files than this, a
	// save first deletes those that have expired; Flask-Session deletes live
	// ones, too. Default: 500; 0 means no limit.
	FileThreshold int

	// FileMode is SESSION_FILE_MODE: a number, or octal digits as text.
	// Default: 0600. The owner must be able to read and write.
	FileMode fs.FileMode

	// CacheLib is SESSION_CACHELIB (Flask-Session 0.7). Default: none, which
	// means the folder flask_session below the working directory.
	CacheLib ClientURL

	// MongoDB is SESSION_MONGODB. Default: none; Flask-Session:
	// localhost:27017.
	MongoDB ClientURL

	// MongoDBDatabase is SESSION_MONGODB_DB. Default: "flask_session".
	MongoDBDatabase string

	// MongoDBCollection is SESSION_MONGODB_COLLECT. Default: "sessions".
	MongoDBCollection string

	// SQLAlchemy is SESSION_SQLALCHEMY. Default: none, which means
	// SQLALCHEMY_DATABASE_URI, or an entry of SQLALCHEMY_BINDS.
	SQLAlchemy ClientURL

	// SQLAlchemyTable is SESSION_SQLALCHEMY_TABLE. Default: "sessions".
	SQLAlchemyTable string

	// SQLAlchemySequence is SESSION_SQLALCHEMY_SEQUENCE (Flask-Session 0.6),
	// the sequence of the primary key. Default: none.
	SQLAlchemySequence string

	// SQLAlchemySchema is SESSION_SQLALCHEMY_SCHEMA (Flask-Session 0.6).
	// Default: none, the connection's own.
	SQLAlchemySchema string

	// SQLAlchemyBindKey is SESSION_SQLALCHEMY_BIND_KEY (Flask-Session 0.6),
	// the entry of SQLALCHEMY_BINDS to use. Default: none.
	SQLAlchemyBindKey string

	// SQLAlchemyDatabaseURI is Flask-SQLAlchemy's SQLALCHEMY_DATABASE_URI,
	// used if SQLAlchemy is empty. Default: none.
	SQLAlchemyDatabaseURI ClientURL

	// SQLAlchemyBinds is Flask-SQLAlchemy's SQLALCHEMY_BINDS. Default: none.
	SQLAlchemyBinds map[string]ClientURL

	// PostgreSQL is SESSION_POSTGRESQL (development). Default: none, which
	// Flask-Session refuses as well.
	PostgreSQL ClientURL

	// PostgreSQLTable is SESSION_POSTGRESQL_TABLE (development). Default:
	// "flask_sessions".
	PostgreSQLTable string

	// PostgreSQLSchema is SESSION_POSTGRESQL_SCHEMA (development). Default:
	// "public".
	PostgreSQLSchema string

	// DynamoDB is SESSION_DYNAMODB (Flask-Session 0.8). Default: none;
	// Flask-Session: localhost:8000.
	DynamoDB ClientURL

	// DynamoDBTable is SESSION_DYNAMODB_TABLE (Flask-Session 0.8, whose manual
	// calls it SESSION_DYNAMODB_TABLE_NAME). Default: "Sessions".
	DynamoDBTable string

	// DynamoDBTableExists is SESSION_DYNAMODB_TABLE_EXISTS (development): the
	// table is there, do not try to make it. Default: false.
	DynamoDBTableExists bool
}

// DefaultConfig returns the defaults of Flask and Flask-Session. It is not
// valid as it is: Flask's own cookie needs a SecretKey, any other Type its
// backend's keys.
func DefaultConfig() Config {
	return Config{
		Lifetime:           31 * 24 * time.Hour,
		CookieName:         "session",
		CookieHTTPOnly:     true,
		RefreshEachRequest: true,
		ApplicationRoot:    "/",
		Permanent:          true,
		KeyPrefix:          "session:",
		IDLength:           32,
		Format:             FormatMsgPack,
		BackendConfig: BackendConfig{
			FileDir:           "flask_session",
			FileThreshold:     500,
			FileMode:          0o600,
			MongoDBDatabase:   "flask_session",
			MongoDBCollection: "sessions",
			SQLAlchemyTable:   "sessions",
			PostgreSQLTable:   "flask_sessions",
			PostgreSQLSchema:  "public",
			DynamoDBTable:     "Sessions",
		},
	}
}

// Load returns the defaults as changed by the sources, of which later ones
// win. Its error joins a ConfigError for each problem there is.
func Load(sources ...Source) (Config, error) {
	c := DefaultConfig()
	err := c.Load(sources...)
	return c, err
}

// Load changes c by the sources, of which later ones win, and validates the
// result. Its error joins a ConfigError for each problem there is; c is
// unchanged then.
func (c *Config) Load(sources ...Source) error {
	next := *c
	next.origins = maps.Clone(c.origins)
	next.SQLAlchemyBinds = maps.Clone(c.SQLAlchemyBinds)
	if next.origins == nil {
		next.origins = map[string]string{}
	}
	var problems []error
	for _, s := range sources {
		problems = append(problems, next.apply(s)...)
	}
	problems = append(problems, next.check(refused(problems))...)
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	*c = next
	return nil
}

// Validate checks c as Load does, for a Config that was filled in by hand, and
// sets Warnings.
func (c *Config) Validate() error {
	return errors.Join(c.check(nil)...)
}

// String returns the Config without what is secret in it. fmt does not call it for
// a Config in an unexported field: a struct that has one had better not be printed.
func (c Config) String() string {
	type plain Config // whose fields format themselves
	return fmt.Sprintf("%+v", plain(c))
}

// GoString returns what String returns.
func (c Config) GoString() string { return c.String() }
