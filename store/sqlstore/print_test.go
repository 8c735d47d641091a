package sqlstore

import (
	"database/sql"
	"testing"

	"github.com/cloakroom/cloakroom/internal/printtest"
)

// A *sql.DB holds the data source of a driver in a value that fmt prints.
func TestStoresPrintNoPassword(t *testing.T) {
	const secret = "canary-of-a-password"
	db, err := sql.Open("pgx", "postgres://user:"+secret+"@host/db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := New(db, Options{Dialect: PostgreSQL, SweepInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	printtest.Silent(t, "*Store", s, secret)
}
