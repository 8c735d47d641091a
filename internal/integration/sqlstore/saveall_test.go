package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// Two SaveAlls with the same keys in opposite orders never wait for each other:
// each locks the records in the order of their keys. So one that waits for the
// first of them has not locked the second.
func TestSaveAllLocksInTheOrderOfKeys(t *testing.T) {
	for _, c := range []struct {
		place   place
		db      func(t *testing.T) *sql.DB
		lock    string
		waiting string
	}{
		{inPostgres, func(t *testing.T) *sql.DB { return openDB(t, "pgx", inPostgres.url(t).String()) },
			`SELECT 1 FROM "%s" WHERE store_key = 'a' FOR UPDATE`,
			`SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%%s%%'`},
		{inMariaDB, func(t *testing.T) *sql.DB {
			return openDB(t, "mysql", "root@unix("+testserver.MariaDBSocket(mariadb.Get(t))+")/cloakroom")
		},
			"SELECT 1 FROM `%s` WHERE store_key = 'a' FOR UPDATE",
			`SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%%%s%%'`},
	} {
		t.Run(c.place.name, func(t *testing.T) {
			t.Parallel()
			u := c.place.fresh(t)
			s := open(t, u)
			a, b := put(t, s, "a", "data"), put(t, s, "b", "data")
			db := c.db(t)
			defer db.Close()
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			table := u.Query().Get("table")
			var one int
			if err := tx.QueryRow(fmt.Sprintf(c.lock, table)).Scan(&one); err != nil {
				t.Fatal(err)
			}
			saved := make(chan error, 1)
			go func() {
				_, err := s.SaveAll(t.Context(), []store.Change{{Key: "b", Prev: b, Next: rec("more")}, {Key: "a", Prev: a, Next: rec("more")}})
				saved <- err
			}()
			for n := 0; n == 0; {
				select {
				case err := <-saved:
					t.Fatalf("SaveAll = %v, while the first record is locked", err)
				case <-time.After(200 * time.Millisecond): // MariaDB looks again if it was not asked for 100
				}
				if err := db.QueryRowContext(t.Context(), fmt.Sprintf(c.waiting, table)).Scan(&n); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if _, err := s.Save(ctx, "b", b, rec("came first")); err != nil {
				t.Errorf("Save of the second record = %v, want nil", err)
			}
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
			if err := <-saved; !errors.Is(err, store.ErrConflict) {
				t.Errorf("SaveAll = %v, want ErrConflict", err)
			}
			// The step that was made before the conflict has been undone.
			holds(t, s, "a", "data")
			holds(t, s, "b", "came first")
		})
	}
}

// What is not there before and after is made in between; no row stays.
func TestSaveAllOfNoRecordLeavesNoRow(t *testing.T) {
	u := inSQLite.fresh(t)
	s := open(t, u)
	if _, err := s.SaveAll(t.Context(), []store.Change{{Key: "a"}, {Key: "b", Next: rec("data")}}); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, "sqlite", u.Path)
	defer db.Close()
	var n int
	if err := db.QueryRow(fmt.Sprintf(`SELECT COUNT(*) FROM "%s"`, u.Query().Get("table"))).Scan(&n); err != nil || n != 1 {
		t.Errorf("the table has %d rows, %v, want 1", n, err)
	}
}
