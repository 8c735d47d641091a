package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// expire makes n records that have expired, and one that has not.
func expire(t *testing.T, s store.Store, db *sql.DB, p place, u *url.URL, n int) {
	t.Helper()
	for i := range n {
		put(t, s, fmt.Sprintf("old-%d", i), "x")
	}
	key, expires := "store_key", "expires"
	if u.Query().Get("layout") == "flask-sqlalchemy" {
		key, expires = "session_id", "expiry"
	}
	execute(t, db, fmt.Sprintf("UPDATE %s SET %s = '2001-01-01 00:00:00.000000' WHERE %s LIKE 'old-%%'",
		quoted(p, u.Query().Get("table")), expires, key))
	put(t, s, "live", "data")
}

// count counts the rows of a table.
func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Several programs sweep one table. Each record is removed by one of them.
func TestSweepsOfManyProcesses(t *testing.T) {
	eachStore(t, func(t *testing.T, p place, layout string) {
		u := p.fresh(t, layout)
		s := open(t, u)
		db := plain(t, p, u)
		defer db.Close()
		table := quoted(p, u.Query().Get("table"))
		expire(t, s, db, p, u, 60)
		var removed atomic.Int64
		for range 4 {
			other, err := sqlstore.New(db, sqlstore.Options{
				Table: u.Query().Get("table"), Layout: sqlstore.Layout(layout[len("layout="):]),
				SweepInterval: 20 * time.Millisecond,
				Swept: func(n int, err error) {
					removed.Add(int64(n))
					if err != nil {
						t.Errorf("sweep: %v", err)
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
		}
		until(t, func() bool { return count(t, db, table) == 1 && removed.Load() >= 60 || t.Failed() })
		if n := removed.Load(); n != 60 {
			t.Errorf("%d records were removed in all, want 60", n)
		}
		holds(t, s, "live", "data")
	})
}

// While one process sweeps, no other does.
func TestOneSweepAtATime(t *testing.T) {
	for _, c := range []struct {
		place      place
		take, give func(name string) string
	}{
		{inPostgres, func(name string) string {
			h := fnv.New64a()
			h.Write([]byte(name))
			return fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d)", int64(h.Sum64()))
		}, func(string) string { return "COMMIT" }},
		{inMariaDB,
			func(name string) string { return "SELECT GET_LOCK(MD5(CONCAT('cloakroom', '" + name + "')), 0)" },
			func(name string) string { return "DO RELEASE_LOCK(MD5(CONCAT('cloakroom', '" + name + "')))" }},
	} {
		t.Run(c.place.name, func(t *testing.T) {
			t.Parallel()
			u := c.place.fresh(t)
			s := open(t, u)
			db := plain(t, c.place, u)
			defer db.Close()
			name := "cloakroom sweep ." + u.Query().Get("table")
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.ExecContext(t.Context(), c.take(name)); err != nil {
				t.Fatal(err)
			}
			expire(t, s, db, c.place, u, 5)
			sweeping := open(t, with(u, "sweep_interval=10ms"))
			begin := time.Now()
			until(t, func() bool { return time.Since(begin) > 300*time.Millisecond })
			if n := count(t, db, quoted(c.place, u.Query().Get("table"))); n != 6 {
				t.Errorf("%d rows while another process sweeps, want all 6", n)
			}
			if _, err := conn.ExecContext(context.Background(), c.give(name)); err != nil {
				t.Fatal(err)
			}
			until(t, func() bool { return count(t, db, quoted(c.place, u.Query().Get("table"))) == 1 })
			holds(t, sweeping, "live", "data")
		})
	}
}

// A sweep is read committed, whatever others are: it cannot be run again as
// they can.
func TestSweepWhereTransactionsAreSerializable(t *testing.T) {
	t.Parallel()
	u := inPostgres.fresh(t)
	s := open(t, u)
	db := plain(t, inPostgres, u)
	defer db.Close()
	expire(t, s, db, inPostgres, u, 3)
	table := quoted(inPostgres, u.Query().Get("table"))
	execute(t, db, `CREATE OR REPLACE FUNCTION read_committed_alone() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF current_setting('transaction_isolation') <> 'read committed' THEN
				RAISE EXCEPTION 'transaction is %', current_setting('transaction_isolation');
			END IF;
			RETURN OLD;
		END $$`,
		"CREATE TRIGGER isolation BEFORE DELETE ON "+table+" FOR EACH ROW EXECUTE FUNCTION read_committed_alone()")
	open(t, with(u, "sweep_interval=10ms", "options=-c default_transaction_isolation=serializable"))
	until(t, func() bool { return count(t, db, table) == 1 })
}

// A record that comes to the index behind where the cleaner is, is found all
// the same, at the latest after an hour; DeleteExpired of another store finds
// it at once.
func TestRowsBehindTheCleaner(t *testing.T) {
	u := inPostgres.fresh(t)
	s := open(t, u)
	db := plain(t, inPostgres, u)
	defer db.Close()
	expire(t, s, db, inPostgres, u, 3)
	if n, err := s.DeleteExpired(t.Context(), 10); n != 3 || err != nil {
		t.Errorf("DeleteExpired = %d, %v, want 3", n, err)
	}
	execute(t, db, "INSERT INTO "+quoted(inPostgres, u.Query().Get("table"))+` VALUES ('old', 1, '1999-01-01', '\x01')`)
	if n, err := open(t, u).DeleteExpired(t.Context(), 10); n != 1 || err != nil {
		t.Errorf("DeleteExpired = %d, %v, want 1", n, err)
	}
}
