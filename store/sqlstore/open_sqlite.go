package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/internal/storeurl"
	"github.com/cloakroom/cloakroom/store"
)

// sqliteConns is how many connections to a file there are: one that writes,
// and readers, whom it does not stop.
const sqliteConns = 5

// sqliteBusy is how long SQLite itself waits for a lock. The store tries again
// for as long as the call may take.
const sqliteBusy = 5 * time.Second

func (t *target) sqlite(u *url.URL, q *parameters) error {
	name, err := driverFor(u, "modernc.org/sqlite", "sqlite", "sqlite3")
	if err != nil {
		return err
	}
	wait, unsynced := sqliteBusy, false
	read(q, "busy_timeout", &wait, time.ParseDuration)
	read(q, "unsynced", &unsynced, strconv.ParseBool)
	path, err := sqlitePath(u)
	if err != nil {
		return err
	}
	if t.conns == defaultConns {
		t.conns = sqliteConns
	}
	sync := "FULL"
	if unsynced {
		sync = "NORMAL"
	}
	pragmas := []string{
		"PRAGMA busy_timeout = " + strconv.FormatInt(wait.Milliseconds(), 10), // first: the next may have to wait
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = " + sync,
	}
	t.open = func() (*sql.DB, error) {
		made, err := makeFile(path)
		if err != nil {
			return nil, err
		}
		t.create = t.create || made
		return openSQLite(name, path, pragmas)
	}
	return nil
}

// sqlitePath is the absolute path of the file that a URL names.
func sqlitePath(u *url.URL) (string, error) {
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = storeurl.Path(u); err != nil {
			return "", fmt.Errorf("sqlstore: open: %w", err)
		}
	}
	switch {
	case u.Host != "" || u.User != nil:
		return "", errors.New("sqlstore: open: the URL names a host; write sqlite:/file, or sqlite:file for a relative path")
	case path == "" || path == "/":
		return "", errors.New("sqlstore: open: the URL names no file")
	case u.Opaque == "" && !u.OmitHost && !strings.HasPrefix(path, "//"):
		// Absolute by the rules for URLs, relative by SQLAlchemy's.
		return "", errors.New("sqlstore: open: sqlite:/// is understood in two ways; write sqlite:file for a relative path, sqlite:/file for an absolute one")
	case path == ":memory:":
		return "", store.WithAdvice(fmt.Errorf("sqlstore: open: a database in memory: %w", store.ErrUnsupported),
			"Use memstore (memory:), or a file.")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlstore: open: %w", err)
	}
	return path, nil
}

// makeFile makes an empty file that nobody else may read, as SQLite would not,
// and reports whether there was none. SQLite gives its other files the same
// mode.
func makeFile(path string) (made bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		err = fmt.Errorf("sqlstore: open: make the file: %w", bare(err))
		return false, store.WithAdvice(err, adviceOnFile)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("sqlstore: open: %w", bare(err))
	}
	return info.Size() == 0, nil
}

// bare is err without the path that package os put around it.
func bare(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

// openSQLite opens a file so that each connection runs pragmas first. How data
// sources can say so differs from driver to driver.
func openSQLite(name, path string, pragmas []string) (*sql.DB, error) {
	source := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(path))
	db, err := sql.Open(name, source)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open: %w", err)
	}
	defer db.Close() // it has made no connection
	c := &connector{driver: db.Driver(), source: source, pragmas: pragmas}
	if dc, ok := c.driver.(driver.DriverContext); ok {
		if c.inner, err = dc.OpenConnector(source); err != nil {
			return nil, fmt.Errorf("sqlstore: open: %w", err)
		}
	}
	return sql.OpenDB(c), nil
}

// A connector makes connections to SQLite.
type connector struct {
	driver  driver.Driver
	inner   driver.Connector // nil if the driver has none
	source  string
	pragmas []string
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// Close implements io.Closer.
func (c *connector) Close() error {
	if closer, ok := c.inner.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	if c.inner != nil {
		conn, err = c.inner.Connect(ctx)
	} else {
		conn, err = c.driver.Open(c.source)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range c.pragmas {
		if err := pragma(ctx, conn, p); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// pragma runs one pragma, and sees to it that WAL mode is on after it.
func pragma(ctx context.Context, conn driver.Conn, text string) error {
	st, err := conn.Prepare(text)
	if err != nil {
		return err
	}
	defer st.Close()
	//lint:ignore SA1019 every driver has it, not every one QueryContext
	rows, err := st.Query(nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil && err != io.EOF {
		return err
	}
	if strings.Contains(text, "journal_mode") && (len(row) == 0 || fmt.Sprintf("%s", row[0]) != "wal") {
		return store.WithAdvice(errors.New("SQLite cannot use WAL mode on this file"),
			"Put the file on a local disk: WAL mode needs memory that the processes share.")
	}
	return nil
}
