package main

import (
	"github.com/cloakroom/cloakroom/flask/cachelibstore"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/dynamostore"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memcachedstore"
	"github.com/cloakroom/cloakroom/store/memstore"
	"github.com/cloakroom/cloakroom/store/mongostore"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/sqlstore"

	_ "github.com/go-sql-driver/mysql" // for sqlstore
	_ "github.com/jackc/pgx/v5/stdlib" // for sqlstore
	_ "modernc.org/sqlite"             // for sqlstore
)

// openers are the stores that the tool knows, by the schemes of their URLs.
func openers() store.Openers {
	return memstore.Openers().With(
		filestore.Openers(),
		cachelibstore.Openers(),
		redisstore.Openers(),
		memcachedstore.Openers(),
		mongostore.Openers(),
		dynamostore.Openers(),
		sqlstore.Openers(),
	)
}
