package sqlstore

import (
	"database/sql"
	"fmt"
	"reflect"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// A Dialect is the SQL that a database speaks.
type Dialect string

// The dialects.
const (
	PostgreSQL Dialect = "postgresql" // from version 11
	MySQL      Dialect = "mysql"      // MySQL from 5.7, MariaDB from 10.3
	SQLite     Dialect = "sqlite"     // from version 3.24
)

// known are the packages of drivers, by the beginning of their path.
var known = []struct {
	path    string
	dialect Dialect
}{
	{"github.com/jackc/pgx/", PostgreSQL},
	{"github.com/lib/pq", PostgreSQL},
	{"github.com/go-sql-driver/mysql", MySQL},
	{"modernc.org/sqlite", SQLite},
	{"github.com/mattn/go-sqlite3", SQLite},
	{"github.com/ncruces/go-sqlite3", SQLite},
	{"github.com/glebarez/go-sqlite", SQLite},
}

// dialectOf tells db's dialect from its driver.
func dialectOf(db *sql.DB) (Dialect, error) {
	t := reflect.TypeOf(db.Driver())
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "", fmt.Errorf("sqlstore: the database has no driver: %w", store.ErrUnsupported)
	}
	for _, k := range known {
		if strings.HasPrefix(t.PkgPath()+"/", strings.TrimSuffix(k.path, "/")+"/") {
			return k.dialect, nil
		}
	}
	return "", fmt.Errorf("sqlstore: the driver %v does not tell which database it is for: set Options.Dialect", t)
}

// quote makes an identifier of any name.
func (d Dialect) quote(name string) string {
	q := `"`
	if d == MySQL {
		q = "`"
	}
	return q + strings.ReplaceAll(name, q, q+q) + q
}

// literal makes a string literal of text that has neither a backslash nor a
// control character.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
