package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// fake is a driver whose connections always fail. It remembers what it was
// asked to connect to.
type fake struct{ sources chan string }

func (f fake) Open(source string) (driver.Conn, error) {
	f.sources <- source
	return nil, errFake
}

var errFake = errors.New("connection refused by the fake")

var fakePostgres, fakeMySQL = fake{make(chan string, 10)}, fake{make(chan string, 10)}

// In this package's tests there is no driver for SQLite.
func init() {
	sql.Register("pgx", fakePostgres)
	sql.Register("mysql", fakeMySQL)
}

// connectorTo makes a database of any driver.
type connectorTo struct{ d driver.Driver }

func (c connectorTo) Connect(context.Context) (driver.Conn, error) { return nil, errFake }
func (c connectorTo) Driver() driver.Driver                        { return c.d }
