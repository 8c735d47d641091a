package sqlstore_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/sqlstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// everything is what the suite may require of this store.
var everything = []storetest.Capability{storetest.BatchLoader, storetest.BatchSaver, storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer}

// precision is what expiries are rounded to, but for Flask's table in MySQL.
const precision = time.Microsecond

// The settings of drivers and servers are each tested with one of the layouts,
// not all with all.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		db        func(t testing.TB) *sql.DB
		opts      sqlstore.Options
		precision time.Duration
	}{
		{name: "PostgreSQL, through a socket, with nothing prepared",
			db: pgx(with(socketURL(t), "default_query_exec_mode=exec"))},
		{name: "PostgreSQL, Flask's SQLAlchemy, simple protocol",
			db:   pgx(with(inPostgres.url(t), "default_query_exec_mode=simple_protocol", "timezone=America/New_York")),
			opts: sqlstore.Options{Layout: sqlstore.FlaskSQLAlchemy}},
		{name: "PostgreSQL, Flask's PostgreSQL backend",
			db:   pgx(with(inPostgres.url(t), "timezone=Asia/Kolkata")),
			opts: sqlstore.Options{Layout: sqlstore.FlaskPostgreSQL}},
		{name: "MariaDB, interpolated, in another time zone",
			db:   mysql(t, "interpolateParams=true", "parseTime=true", "loc=America/New_York", "time_zone='-05:00'"),
			opts: sqlstore.Options{Unprepared: true}},
		{name: "MariaDB, Flask's SQLAlchemy, with found rows",
			db:   mysql(t, "clientFoundRows=true"),
			opts: sqlstore.Options{Layout: sqlstore.FlaskSQLAlchemy}, precision: time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := c.db(t)
			defer db.Close()
			c.opts.SweepInterval, c.opts.Table = -1, tableName()
			s, err := sqlstore.New(db, c.opts)
			if err == nil {
				err = s.EnsureSchema(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			conform(t, func(t *testing.T) store.Store {
				s, err := sqlstore.New(db, c.opts)
				if err != nil {
					t.Fatalf("New = %v, want nil", err)
				}
				return s
			}, storetest.Options{Precision: max(c.precision, precision), ComparesData: c.opts.Layout != ""})
		})
	}
}

func TestConformanceOfSQLite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, layout string
		params       []string
	}{
		{name: "native", layout: "native", params: []string{"unsynced=true"}},
		{name: "Flask's SQLAlchemy", layout: "flask-sqlalchemy", params: []string{"unsynced=true", "unprepared=true"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := inSQLite.fresh(t, append(c.params, "layout="+c.layout)...)
			conform(t, func(t *testing.T) store.Store { return open(t, u) },
				storetest.Options{Precision: time.Millisecond + precision, ComparesData: c.layout != "native"})
		})
	}
}

// With servers of their own, which can be paused.
func TestConformanceWithStalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server testserver.Server
		url    func(p *testserver.Process) *url.URL
	}{
		{"PostgreSQL", testserver.Postgres(), func(p *testserver.Process) *url.URL { return testserver.PostgresURL(p, "postgres") }},
		{"MariaDB", testserver.MariaDB(), func(p *testserver.Process) *url.URL { return testserver.MariaDBURL(p, "cloakroom") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := testserver.Start(t, c.server)
			u := with(c.url(p), "create_table=true", "sweep_interval=-1s", "max_open_conns=10")
			conform(t, func(t *testing.T) store.Store { return open(t, u) },
				storetest.Options{Precision: precision, Stall: func(t *testing.T) func() {
					p.Pause(t)
					return func() { p.Resume(t) }
				}})
		})
	}
}

func conform(t *testing.T, open func(t *testing.T) store.Store, o storetest.Options) {
	o.RealTime, o.Require, o.TooLarge = true, everything, sqlstore.MaxSize+1
	storetest.Run(t, open, o)
}

func socketURL(t testing.TB) *url.URL {
	return testserver.PostgresSocketURL(postgres.Get(t), "postgres")
}

// pgx returns how a program that uses pgx itself opens u.
func pgx(u *url.URL) func(t testing.TB) *sql.DB {
	return func(t testing.TB) *sql.DB { return openDB(t, "pgx", u.String()) }
}

// mysql returns how a program opens the shared MariaDB with these parameters
// of the driver.
func mysql(t testing.TB, params ...string) func(t testing.TB) *sql.DB {
	query := with(&url.URL{}, params...).RawQuery
	dsn := fmt.Sprintf("cloakroom:%s@tcp(%s)/cloakroom?%s", testserver.Password, mariadb.Get(t).Addr(), query)
	return func(t testing.TB) *sql.DB { return openDB(t, "mysql", dsn) }
}

func openDB(t testing.TB, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(20)
	db.SetMaxOpenConns(20)
	return db
}
