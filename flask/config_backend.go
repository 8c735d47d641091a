package flask

// A backend says which keys a Type needs.
type backend struct {
	kind     Type
	client   string                   // the key of its client
	url      func(*Config) *ClientURL // the client
	fallback string                   // what Flask-Session does without; empty: there need not be one
	names    []named                  // that may not be empty
}

type named struct {
	key   string
	value func(*Config) string
}

var backends = []backend{
	{TypeRedis, "SESSION_REDIS", func(c *Config) *ClientURL { return &c.Redis }, "127.0.0.1:6379 as its default", nil},
	{TypeMemcached, "SESSION_MEMCACHED", func(c *Config) *ClientURL { return &c.Memcached }, "127.0.0.1:11211 as its default", nil},
	{TypeFileSystem, "SESSION_FILE_DIR", nil, "", []named{
		{"SESSION_FILE_DIR", func(c *Config) string { return c.FileDir }},
	}},
	{TypeCacheLib, "SESSION_CACHELIB", func(c *Config) *ClientURL { return &c.CacheLib }, "", nil},
	{TypeMongoDB, "SESSION_MONGODB", func(c *Config) *ClientURL { return &c.MongoDB }, "localhost:27017 as its default", []named{
		{"SESSION_MONGODB_DB", func(c *Config) string { return c.MongoDBDatabase }},
		{"SESSION_MONGODB_COLLECT", func(c *Config) string { return c.MongoDBCollection }},
	}},
	{TypeSQLAlchemy, "SESSION_SQLALCHEMY", func(c *Config) *ClientURL { return &c.SQLAlchemy }, "", []named{
		{"SESSION_SQLALCHEMY_TABLE", func(c *Config) string { return c.SQLAlchemyTable }},
	}},
	{TypePostgreSQL, "SESSION_POSTGRESQL", func(c *Config) *ClientURL { return &c.PostgreSQL }, "no default either", []named{
		{"SESSION_POSTGRESQL_TABLE", func(c *Config) string { return c.PostgreSQLTable }},
		{"SESSION_POSTGRESQL_SCHEMA", func(c *Config) string { return c.PostgreSQLSchema }},
	}},
	{TypeDynamoDB, "SESSION_DYNAMODB", func(c *Config) *ClientURL { return &c.DynamoDB }, "localhost:8000 as its default", []named{
		{"SESSION_DYNAMODB_TABLE", func(c *Config) string { return c.DynamoDBTable }},
	}},
}

// Client returns the URL of the store that Type names. It is empty for
// TypeCookie, TypeNull and TypeFileSystem, and for TypeCacheLib by default.
func (c *Config) Client() ClientURL {
	if c.Type == TypeSQLAlchemy && c.SQLAlchemy == "" {
		if c.SQLAlchemyBindKey != "" {
			return c.SQLAlchemyBinds[c.SQLAlchemyBindKey]
		}
		return c.SQLAlchemyDatabaseURI
	}
	for _, b := range backends {
		if b.kind == c.Type && b.url != nil {
			return *b.url(c)
		}
	}
	return ""
}

// checkBackend checks all URLs, and the names that Type needs.
func (k *checker) checkBackend() {
	c := k.config
	for _, b := range backends {
		if b.url != nil && *b.url(c) != "" {
			k.report(b.client, checkURL(string(*b.url(c))))
		}
		if b.kind != c.Type {
			continue
		}
		if b.fallback != "" && *b.url(c) == "" {
			k.fail(b.client, "is missing: SESSION_TYPE %s needs a URL; Flask-Session has %s", b.kind, b.fallback)
		}
		for _, n := range b.names {
			if n.value(c) == "" {
				k.fail(n.key, "is empty")
			}
		}
	}
	if c.Type == TypeSQLAlchemy {
		k.checkSQLAlchemy()
	}
}

// checkSQLAlchemy finds the key that the URL comes from, or should come from.
func (k *checker) checkSQLAlchemy() {
	c := k.config
	switch {
	case c.SQLAlchemy != "" && c.SQLAlchemyBindKey != "":
		k.fail("SESSION_SQLALCHEMY_BIND_KEY", "and SESSION_SQLALCHEMY both say which database it is: leave one out")
	case c.SQLAlchemy != "": // checked already
	case c.SQLAlchemyBindKey != "" && c.Client() == "":
		k.fail("SESSION_SQLALCHEMY_BIND_KEY", "is no entry with a URL of SQLALCHEMY_BINDS")
	case c.SQLAlchemyBindKey != "":
		k.report("SQLALCHEMY_BINDS", checkURL(string(c.Client())))
	case c.SQLAlchemyDatabaseURI != "":
		k.report("SQLALCHEMY_DATABASE_URI", checkURL(string(c.SQLAlchemyDatabaseURI)))
	case k.refused["SQLALCHEMY_DATABASE_URI"]:
	default:
		k.fail("SESSION_SQLALCHEMY", "is missing, and so is SQLALCHEMY_DATABASE_URI: SESSION_TYPE sqlalchemy needs a URL in one of them")
	}
}
