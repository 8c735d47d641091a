package sqlstore

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DefaultSweepInterval is how often expired records are removed where
// [Options] does not say.
const DefaultSweepInterval = 10 * time.Minute

// MaxSize is the size of the largest record's data in bytes: 16 MiB. Larger
// ones are answered with store.ErrTooLarge, and so are those that are too
// large for the server's settings or its table.
const MaxSize = 16 << 20

// Options are the choices that [New] leaves to the program. The zero value is
// right for most.
type Options struct {
	// Dialect is the database's SQL. Empty means to tell it from the driver.
	Dialect Dialect

	// Layout is the table that records are kept in. Empty means Native.
	Layout Layout

	// Schema is the schema of the table; in MySQL that is its database. Empty
	// means the connection's, or "public" for FlaskPostgreSQL.
	Schema string

	// Table is the name of the table, of at most 50 bytes. Empty means that of
	// the layout: cloakroom_sessions, sessions or flask_sessions. To part the
	// records of two applications in one table, give each its own key prefix;
	// that is an option of the Manager.
	Table string

	// Sequence is the sequence that numbers the rows of FlaskSQLAlchemy, as
	// Flask-Session's SESSION_SQLALCHEMY_SEQUENCE, in PostgreSQL and MariaDB. It
	// is looked for in Schema. Empty means that the column does that by itself.
	Sequence string

	// TimeZone is the time zone of the expiries in FlaskPostgreSQL, which is
	// that of Flask's connections. Empty means that of the store's own, which
	// is the same unless one of the programs sets it. Other layouts have UTC.
	TimeZone string

	// Unprepared makes the store keep no prepared statements, see the package
	// comment. In PostgreSQL it never does.
	Unprepared bool

	// SweepInterval is the time between two removals of expired records in the
	// background, give or take a quarter. In PostgreSQL and MySQL the programs
	// that share the table take turns: while one sweeps, the others do not.
	// Zero means [DefaultSweepInterval], a negative value that the program
	// calls [Store.DeleteExpired] itself.
	SweepInterval time.Duration

	// Swept is called after each sweep that removed something or failed, with
	// the number of removed records and the error that ended it early. It runs
	// in the sweeping goroutine and must not call Close. Nil means to log
	// failures with slog.Default.
	Swept func(removed int, err error)
}

// maxName is the length of the longest name that Options may have. The names
// of indexes are made from it, and PostgreSQL allows 63 bytes.
const maxName = 50

// timeZone is what may stand in the name of a time zone.
var timeZone = regexp.MustCompile(`^[A-Za-z0-9_+:/-]{1,64}$`)

// normalize fills in what is missing and refuses what cannot be.
func (o *Options) normalize() error {
	if o.Layout == "" {
		o.Layout = Native
	}
	c, ok := layouts[o.Layout]
	switch {
	case !ok:
		return fmt.Errorf("sqlstore: unknown layout %q; known are %s, %s and %s", o.Layout, Native, FlaskSQLAlchemy, FlaskPostgreSQL)
	case o.Dialect != PostgreSQL && o.Dialect != MySQL && o.Dialect != SQLite:
		return fmt.Errorf("sqlstore: unknown dialect %q; known are %s, %s and %s", o.Dialect, PostgreSQL, MySQL, SQLite)
	case o.Layout == FlaskPostgreSQL && o.Dialect != PostgreSQL:
		return fmt.Errorf("sqlstore: the layout %s is for %s, not for %s", o.Layout, PostgreSQL, o.Dialect)
	case o.TimeZone != "" && o.Layout != FlaskPostgreSQL:
		return fmt.Errorf("sqlstore: TimeZone is for the layout %s alone; %s has UTC", FlaskPostgreSQL, o.Layout)
	case o.TimeZone != "" && !timeZone.MatchString(o.TimeZone):
		return fmt.Errorf("sqlstore: TimeZone %q is not the name of a time zone", o.TimeZone)
	case o.Sequence != "" && (o.Layout != FlaskSQLAlchemy || o.Dialect == SQLite):
		return fmt.Errorf("sqlstore: Sequence is for the layout %s in %s and MariaDB alone", FlaskSQLAlchemy, PostgreSQL)
	}
	if o.Table == "" {
		o.Table = c.table
	}
	if o.Schema == "" {
		o.Schema = c.schema
	}
	if o.SweepInterval == 0 {
		o.SweepInterval = DefaultSweepInterval
	}
	if o.Swept == nil {
		o.Swept = logFailure
	}
	for _, n := range []struct{ what, name string }{{"Table", o.Table}, {"Schema", o.Schema}, {"Sequence", o.Sequence}} {
		if err := checkName(n.what, n.name); err != nil {
			return err
		}
	}
	return nil
}

// checkName refuses what not every database takes as a name, however quoted.
func checkName(what, name string) error {
	switch {
	case name == "":
		return nil
	case len(name) > maxName:
		return fmt.Errorf("sqlstore: %s has %d bytes, at most %d are allowed", what, len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsRune(name, '\\'):
		return fmt.Errorf("sqlstore: %s %q has a character that no name may have", what, name)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("sqlstore: %s %q begins or ends with a space", what, name)
	}
	return nil
}
