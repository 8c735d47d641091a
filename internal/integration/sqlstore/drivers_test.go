// Package sqlstore_test runs store/sqlstore against real databases, each with the
// driver that its users would take.
package sqlstore_test

import (
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)
