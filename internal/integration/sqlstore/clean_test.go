package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
)

// expiredRows is how many expired records are cleaned up. A million, as
// SQLSTORE_TEST_ROWS=1000000 asks for, take minutes; then no statement may
// take longer than a second either.
func expiredRows(t *testing.T) (rows int, asked bool) {
	text := os.Getenv("SQLSTORE_TEST_ROWS")
	if text == "" {
		return 20_000, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n, true
}

// fill is how a table gets n expired records and n/10 live ones among them, in
// no order.
var fill = map[string]string{
	"native": `INSERT INTO %s (store_key, token, expires, data)
		SELECT 'session:' || md5(i::text), i, CASE WHEN i %% 11 = 0 THEN now() + interval '1 day' ELSE now() - random() * interval '30 days' END,
		decode(repeat(md5(i::text), 12), 'hex') FROM generate_series(1, %d) AS i`,
	"flask-sqlalchemy": `INSERT INTO %s (session_id, expiry, data)
		SELECT 'session:' || md5(i::text), (CASE WHEN i %% 11 = 0 THEN now() + interval '1 day' ELSE now() - random() * interval '30 days' END) AT TIME ZONE 'UTC',
		decode(repeat(md5(i::text), 12), 'hex') FROM generate_series(1, %d) AS i`,
}

func TestManyExpiredRowsWhileReadsGoOn(t *testing.T) {
	rows, asked := expiredRows(t)
	p := testserver.Start(t, testserver.Postgres("fsync=off", "shared_preload_libraries=pg_stat_statements"))
	here := place{name: inPostgres.name, url: func(testing.TB) *url.URL { return testserver.PostgresURL(p, "postgres") }}
	db := plain(t, here, here.url(t))
	defer db.Close()
	execute(t, db, "CREATE EXTENSION pg_stat_statements")
	for _, layout := range []string{"native", "flask-sqlalchemy"} {
		for _, held := range []bool{false, true} {
			name := layout
			if held {
				name += ", beside a long transaction"
			}
			t.Run(name, func(t *testing.T) {
				u := here.fresh(t, "layout="+layout)
				table := quoted(here, u.Query().Get("table"))
				s := open(t, u)
				execute(t, db, fmt.Sprintf(fill[layout], table, rows+rows/10), "CHECKPOINT", "SELECT pg_stat_statements_reset()")
				if held {
					// It sees the rows that are removed, so that no vacuum can
					// take them out of the index.
					tx, err := db.Begin()
					if err != nil {
						t.Fatal(err)
					}
					defer tx.Rollback()
					if _, err := tx.Exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
						t.Fatal(err)
					}
					var n int
					if err := tx.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
						t.Fatal(err)
					}
				}
				put(t, s, "live", "data")
				cleanUp(t, s, rows)
				if most := report(t, db); asked && most > 1000 {
					t.Errorf("a statement took %.0f ms, want less than a second", most)
				}
				holds(t, s, "live", "data")
				n := 0
				for _, err := range s.List(t.Context(), "") {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if want := (rows+rows/10)/11 + 1; n != want {
					t.Errorf("%d live records are left, want %d", n, want)
				}
			})
		}
	}
}

// cleanUp removes all expired records with several cleaners at once, while
// others read and write, and says what took longest.
func cleanUp(t *testing.T, s *sqlstore.Store, rows int) {
	var use longest
	var done atomic.Bool
	var removed atomic.Int64
	var users, cleaners sync.WaitGroup
	for i := range 2 {
		users.Go(func() {
			for n := 0; !done.Load(); n++ {
				key := fmt.Sprintf("user-%d-%d", i, n)
				err := use.time(func() error {
					_, err := s.Save(context.Background(), key, store.Record{}, rec("data"))
					return err
				})
				if err == nil {
					err = use.time(func() error { _, err := s.Load(context.Background(), key); return err })
				}
				if err == nil {
					err = use.time(func() error { return s.Delete(context.Background(), key) })
				}
				if err != nil {
					t.Errorf("use during a cleanup = %v, want nil", err)
					return
				}
			}
		})
		cleaners.Go(func() {
			for {
				n, err := s.DeleteExpired(context.Background(), 1000)
				removed.Add(int64(n))
				if err != nil {
					t.Errorf("DeleteExpired = %v, want nil", err)
				}
				if err != nil || n < 1000 {
					return
				}
			}
		})
	}
	begin := time.Now()
	cleaners.Wait()
	done.Store(true)
	users.Wait()
	n, err := s.DeleteExpired(context.Background(), rows)
	if err != nil {
		t.Errorf("DeleteExpired = %v, want nil", err)
	}
	if got := removed.Load() + int64(n); got != int64(rows) {
		t.Errorf("%d records were removed, want %d", got, rows)
	}
	t.Logf("%d removed in %v; the longest call of Load, Save or Delete beside it took %v",
		rows, time.Since(begin).Round(time.Millisecond), use.max())
}

// report says which statements of the store took longest, and how many
// milliseconds.
func report(t *testing.T, db *sql.DB) (longest float64) {
	rows, err := db.Query(`SELECT max_exec_time, mean_exec_time, calls, query FROM pg_stat_statements
		WHERE query ~ '"T ' AND query !~ '^(INSERT INTO .* SELECT|SELECT COUNT)' ORDER BY max_exec_time DESC LIMIT 3`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var most, mean float64
		var calls int
		var query string
		if err := rows.Scan(&most, &mean, &calls, &query); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, most)
		t.Logf("longest %.1f ms, mean %.1f ms of %d: %.60s", most, mean, calls, query)
	}
	return longest
}

// longest is the longest of several durations.
type longest struct{ ns atomic.Int64 }

func (l *longest) time(f func() error) error {
	begin := time.Now()
	err := f()
	for took := int64(time.Since(begin)); ; {
		old := l.ns.Load()
		if took <= old || l.ns.CompareAndSwap(old, took) {
			return err
		}
	}
}

func (l *longest) max() time.Duration {
	return time.Duration(l.ns.Load()).Round(100 * time.Microsecond)
}
