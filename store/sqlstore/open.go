package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

const (
	// defaultConns is how many connections a store opens at most. Without a
	// bound a rush of visitors would take them all from the server's other
	// clients, and end in errors rather than in a queue.
	defaultConns = 25
	// idleTime is after how long an unused connection is closed, before a
	// server or a firewall does so.
	idleTime = 5 * time.Minute
	// lifeTime is after how long every connection is closed, so that a server
	// that is back in its cluster gets its share again.
	lifeTime = time.Hour
	// openTimeout is how long Open tries.
	openTimeout = time.Minute
)

// Open opens a database and returns the store in it. It reports whatever is
// wrong with the server, the database or the table at once, or after a minute
// if there is no answer. Whether the user may change rows [Store.Ping] finds
// out.
//
//	postgres://user:password@host:5432/database
//	postgres:///database?host=/run/postgresql&user=app      (unix socket)
//	mysql://user:password@host:3306/database                (or mariadb://)
//	mysql://user@/database?socket=/run/mysqld/mysqld.sock
//	sqlite:/var/lib/app/sessions.db                         (or sqlite:sessions.db)
//
// The program must import a driver, see the package comment. The query may set
// the [Options] layout, schema, table, sequence, expiry_time_zone, unprepared
// and sweep_interval, and:
//
//	create_table=true      make the table unless it is there
//	max_open_conns=25      how many connections may be open at once
//
// For SQLite also unsynced=true, which does not wait for the disk, so that a
// power cut may cost the last changes, and busy_timeout=5s, how long SQLite
// itself waits for a lock of another process. The file is made with mode 0600,
// and then has its table at once; WAL mode is switched on.
//
// Parameters of the driver pass: those of libpq, pgx and go-sql-driver, but for
// those that concern other uses of a database.
func Open(ctx context.Context, u *url.URL) (store.Store, error) {
	s, err := fromURL(ctx, u)
	if err != nil {
		return nil, storeurl.Guard("sqlstore: open", u, err)
	}
	return s, nil
}

// Openers returns Open under each scheme that it knows: postgres, postgresql,
// mysql, mariadb and sqlite, whichever drivers the program has.
func Openers() store.Openers {
	return store.Openers{
		"postgres":   Open,
		"postgresql": Open,
		"mysql":      Open,
		"mariadb":    Open,
		"sqlite":     Open,
	}
}

func fromURL(ctx context.Context, u *url.URL) (*Store, error) {
	if ctx.Err() != nil {
		return nil, ended(ctx, "open")
	}
	s, create, err := openURL(u)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, create); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// start tells what is wrong now rather than at the first request. A server that
// takes connections and does not answer would keep the program waiting for ever.
func (s *Store) start(ctx context.Context, create bool) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if create {
		if err := s.EnsureSchema(ctx); err != nil {
			return err
		}
	}
	return s.inspect(ctx, "open")
}

// A target is what a URL stands for.
type target struct {
	opts   Options
	create bool
	conns  int
	open   func() (*sql.DB, error)
}

// openURL returns the store of a URL, and whether its table is to be made.
func openURL(u *url.URL) (*Store, bool, error) {
	if err := storeurl.Check(u); err != nil {
		return nil, false, fmt.Errorf("sqlstore: open: %w", err)
	}
	query, err := storeurl.Query(u)
	if err != nil {
		return nil, false, fmt.Errorf("sqlstore: open: %w", err)
	}
	t := target{conns: defaultConns}
	q := &parameters{url: u, values: query}
	q.options(&t)
	switch u.Scheme {
	case "postgres", "postgresql":
		t.opts.Dialect = PostgreSQL
		err = t.postgres(u, q)
	case "mysql", "mariadb":
		t.opts.Dialect = MySQL
		err = t.mysql(u, q)
	case "sqlite":
		t.opts.Dialect = SQLite
		err = t.sqlite(u, q)
	default:
		err = fmt.Errorf("sqlstore: open: unknown scheme %q; known are postgres, postgresql, mysql, mariadb and sqlite", u.Scheme)
	}
	if err = errors.Join(err, q.rest()); err != nil {
		return nil, false, err
	}
	if err := t.opts.normalize(); err != nil { // before anything is made
		return nil, false, err
	}
	db, err := t.open()
	if err != nil {
		return nil, false, err
	}
	db.SetMaxOpenConns(t.conns)
	db.SetMaxIdleConns(t.conns)
	db.SetConnMaxIdleTime(idleTime)
	db.SetConnMaxLifetime(lifeTime)
	s, err := New(db, t.opts)
	if err != nil {
		_ = db.Close()
		return nil, false, err
	}
	s.owned = true
	return s, t.create, nil
}

// driverFor returns the first of the drivers names that the program imports.
func driverFor(u *url.URL, pkg string, names ...string) (string, error) {
	have := sql.Drivers()
	for _, name := range names {
		if slices.Contains(have, name) {
			return name, nil
		}
	}
	err := fmt.Errorf("sqlstore: open: the program has no database driver for %s", u.Scheme)
	return "", store.WithAdvice(err, "Import one in the program: import _ "+strconv.Quote(pkg)+".")
}

// parameters are the query parameters that nobody has asked for yet.
type parameters struct {
	url    *url.URL
	values url.Values
	known  []string
	err    error
}

// options reads the parameters that all databases have.
func (q *parameters) options(t *target) {
	q.text("layout", (*string)(&t.opts.Layout))
	q.text("schema", &t.opts.Schema)
	q.text("table", &t.opts.Table)
	q.text("sequence", &t.opts.Sequence)
	q.text("expiry_time_zone", &t.opts.TimeZone)
	read(q, "unprepared", &t.opts.Unprepared, strconv.ParseBool)
	read(q, "sweep_interval", &t.opts.SweepInterval, time.ParseDuration)
	read(q, "create_table", &t.create, strconv.ParseBool)
	read(q, "max_open_conns", &t.conns, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err == nil && n < 1 {
			err = errors.New("it must be above zero")
		}
		return n, err
	})
}

func (q *parameters) text(name string, to *string) {
	read(q, name, to, func(s string) (string, error) { return s, nil })
}

// read takes a parameter out of q and parses it.
func read[T any](q *parameters, name string, to *T, parse func(string) (T, error)) {
	q.known = append(q.known, name)
	values, ok := q.values[name]
	if !ok {
		return
	}
	delete(q.values, name)
	if len(values) > 1 {
		q.err = errors.Join(q.err, fmt.Errorf("sqlstore: open: query parameter %q is given %d times", name, len(values)))
		return
	}
	v, err := parse(values[0])
	if err != nil {
		q.err = errors.Join(q.err, fmt.Errorf("sqlstore: open: query parameter %q: %w", name, err))
		return
	}
	*to = v
}

// pass takes out the parameters that are for the driver.
func (q *parameters) pass(names ...string) url.Values {
	passed := url.Values{}
	for _, name := range names {
		if values, ok := q.values[name]; ok {
			passed[name] = values
			delete(q.values, name)
		}
	}
	return passed
}

// rest is an error if there is a parameter that nobody knows.
func (q *parameters) rest() error {
	if len(q.values) == 0 {
		return q.err
	}
	slices.Sort(q.known)
	return errors.Join(q.err, fmt.Errorf("sqlstore: open: unknown query parameter %s; known are %s, and the driver's own",
		strings.Join(storeurl.Unknown(q.url, maps.Keys(q.values), q.known), ", "), strings.Join(q.known, ", ")))
}
