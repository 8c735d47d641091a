package main

// A row is one line of the table: what people know of a store, and the runs of
// the suite that say the rest.
type row struct {
	store    string
	packages string
	survives string // a restart
	shared   string // by processes
	runs     []suite
}

// A suite is a call of storetest.Run: what it ran against, and its test.
type suite struct {
	against string
	test    string // as read names reports
}

// rows are the lines of the table in order.
var rows = []row{
	{"memory", "[memstore](store/memstore)", "no", "no", []suite{
		{"memory", "memstore.TestConformance/defaults"},
	}},
	{"files", "[filestore](store/filestore)", "yes, a power cut too", "on one machine", []suite{
		{"a disk", "filestore.TestConformance/synced"},
	}},
	{"files of Flask-Session", "[cachelibstore](flask/cachelibstore)", "yes", "on one machine, with Python's too", []suite{
		{"a disk", "cachelibstore.TestConformance/as_it_comes"},
	}},
	{"Redis, Valkey", "[redisstore](store/redisstore)", "as the server is configured", "yes", []suite{
		{"Redis 7", "redisstore.TestConformance/tcp"},
		{"Sentinel", "redisstore.TestConformance/sentinel"},
		{"Cluster", "redisstore.TestConformance/cluster"},
		{"Valkey 8", "redisstore.TestConformance/valkey"},
	}},
	{"the same by go-redis", "[goredisstore](store/redisstore/goredisstore)", "as the server is configured", "yes", []suite{
		{"Redis 7", "goredisstore.TestConformance/single"},
		{"Sentinel", "goredisstore.TestConformance/sentinel"},
		{"Cluster", "goredisstore.TestConformance/cluster"},
		{"Valkey 8", "goredisstore.TestConformance/valkey"},
	}},
	{"Memcached", "[memcachedstore](store/memcachedstore)", "no", "yes", []suite{
		{"one server", "memcachedstore.TestConformanceOnOneServer"},
		{"three", "memcachedstore.TestConformanceOnThreeServers"},
	}},
	{"PostgreSQL", "[sqlstore](store/sqlstore)", "yes", "yes", []suite{
		{"PostgreSQL 15", "sqlstore.TestConformanceWithStalls/PostgreSQL"},
	}},
	{"MySQL, MariaDB", "[sqlstore](store/sqlstore)", "yes", "yes", []suite{
		{"MariaDB 10.11", "sqlstore.TestConformanceWithStalls/MariaDB"},
	}},
	{"SQLite", "[sqlstore](store/sqlstore)", "yes", "on one machine", []suite{
		{"SQLite", "sqlstore.TestConformanceOfSQLite/native"},
	}},
	{"MongoDB", "[mongostore](store/mongostore)", "yes", "yes", []suite{
		{"FerretDB 1.24", "mongostore.TestStore/native"},
	}},
	{"DynamoDB", "[dynamostore](store/dynamostore)", "yes", "yes", []suite{
		{"dynalite 4", "dynamostore.TestStore/native"},
	}},
	{"a near cache in front of any", "[cachestore](store/cachestore)", "as that", "as that, stale for at most what you say", []suite{
		{"it and Redis 7", "cachestore.TestConformance"},
	}},
}
