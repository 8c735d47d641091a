package flask

import (
	"net/url"
	"strconv"
	"strings"
)

// storeURL returns the URL for the opener of a store: that of the client, with
// the options that make the store keep its records as Flask-Session does.
func (c *Config) storeURL() (string, error) {
	address := string(c.Client())
	scheme, rest, _ := strings.Cut(address, ":")
	options := url.Values{}
	switch c.Type {
	case TypeRedis:
		scheme = redisScheme(scheme)
	case TypeCacheLib:
		scheme = redisScheme(scheme)
		cachelibOptions(scheme, options)
	case TypeMongoDB:
		options.Set("layout", "flask")
		options.Set("database", c.MongoDBDatabase)
		options.Set("collection", c.MongoDBCollection)
	case TypeSQLAlchemy:
		var err error
		if scheme, rest, err = sqlalchemyURL(scheme, rest); err != nil {
			return "", err
		}
		options.Set("layout", "flask-sqlalchemy")
		c.sqlOptions(options, c.SQLAlchemySchema, c.SQLAlchemyTable)
		if c.SQLAlchemySequence != "" {
			options.Set("sequence", c.SQLAlchemySequence)
		}
	case TypePostgreSQL:
		options.Set("layout", "flask-postgresql")
		c.sqlOptions(options, c.PostgreSQLSchema, c.PostgreSQLTable)
	case TypeDynamoDB:
		rest = dynamoTable(address, c.DynamoDBTable)
		options.Set("layout", "flask")
		if c.DynamoDBTableExists {
			options.Set("table_exists", strconv.FormatBool(true))
		}
	}
	return withOptions(scheme+":"+rest, options), nil
}

// redisScheme returns ours for redis-py's unix://.
func redisScheme(scheme string) string {
	if scheme == "unix" {
		return "redis+unix"
	}
	return scheme
}

// cachelibOptions are for cachelib's RedisCache and MemcachedCache, which mark
// their values as pickles.
func cachelibOptions(scheme string, options url.Values) {
	switch {
	case strings.HasPrefix(scheme, "redis"):
		options.Set("cachelib", "true")
	case strings.HasPrefix(scheme, "memcached"):
		options.Set("flags", "1")
	}
}

// sqlOptions says which table. SESSION_CLEANUP_N_REQUESTS counts requests and
// the store takes time, so that it only switches the cleaning on and off.
func (c *Config) sqlOptions(options url.Values, schema, table string) {
	options.Set("table", table)
	if schema != "" {
		options.Set("schema", schema)
	}
	if c.CleanupRequests == 0 {
		options.Set("sweep_interval", "-1s")
	}
}

// sqlalchemyURL returns SQLAlchemy's URL as sqlstore takes it: without the name
// of Python's driver, and a file of SQLite by its path.
func sqlalchemyURL(scheme, rest string) (string, string, error) {
	scheme, _, _ = strings.Cut(scheme, "+")
	switch scheme {
	case "sqlite":
	case "mysql", "mariadb":
		// As PyMySQL and mysqlclient name it.
		return scheme, strings.NewReplacer("?unix_socket=", "?socket=", "&unix_socket=", "&socket=").Replace(rest), nil
	default:
		return scheme, rest, nil
	}
	path, found := strings.CutPrefix(rest, "///")
	switch {
	case !found, path == "", strings.HasPrefix(path, ":memory:"):
		return "", "", problemf("SESSION_SQLALCHEMY: a database in memory cannot be shared: name a file, as in sqlite:////srv/app/sessions.db")
	case !strings.HasPrefix(path, "/"):
		return "", "", problemf("SESSION_SQLALCHEMY: the file of SQLite is relative, which to Flask means its instance folder: " +
			"write the whole path after four slashes, as in sqlite:////srv/app/sessions.db")
	}
	return scheme, path, nil
}

// dynamoTable returns what follows the scheme in a URL of DynamoDB, with the
// table where other URLs have the host. One that the URL names itself wins.
func dynamoTable(address, table string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" {
		_, rest, _ := strings.Cut(address, ":")
		return rest // the opener will say what is wrong, if anything is
	}
	_, rest, _ := strings.Cut((&url.URL{Scheme: u.Scheme, User: u.User, Host: table, RawQuery: u.RawQuery}).String(), ":")
	return rest
}

// withOptions adds options to the query of a URL. Those that the URL has itself
// win.
func withOptions(address string, options url.Values) string {
	if _, query, found := strings.Cut(address, "?"); found {
		given, err := url.ParseQuery(query)
		for name := range given {
			options.Del(name)
		}
		if err != nil || len(options) == 0 {
			return address // the opener will say what is wrong
		}
		return address + "&" + options.Encode()
	}
	if len(options) == 0 {
		return address
	}
	return address + "?" + options.Encode()
}
