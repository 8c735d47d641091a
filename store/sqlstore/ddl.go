package sqlstore

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// DDL returns the statements that make the table and its indexes where they
// are missing, each with a semicolon and a line feed at its end. They change
// nothing that is there.
func DDL(d Dialect, opts Options) (string, error) {
	opts.Dialect = d
	if err := opts.normalize(); err != nil {
		return "", err
	}
	return strings.Join(ddl(&opts), ";\n") + ";\n", nil
}

// EnsureSchema makes the table and its indexes unless they are there. Several
// programs may do so at once. It needs the right to create tables, which the
// other methods do without; an existing table is not looked at.
func (s *Store) EnsureSchema(ctx context.Context) error {
	const op = "make the table"
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	err := s.attempt(ctx, true, func() error { return s.ensure(ctx) })
	switch {
	case err == nil:
		return nil
	case kindOf(err) == forbidden:
		return store.WithAdvice(s.fail(ctx, op, "", err), adviceOnRights)
	}
	return s.fail(ctx, op, "", err)
}

const adviceOnRights = "Let the user create tables, or have an administrator run what `cloakroom ddl` prints and leave out EnsureSchema (create_table=true in a URL)."

func (s *Store) ensure(ctx context.Context) error {
	if s.opts.Dialect == MySQL {
		return execAll(ctx, s.db, ddl(&s.opts)) // where each statement commits by itself
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if s.opts.Dialect == PostgreSQL {
		// IF NOT EXISTS is no help against another one who is just making it.
		h := fnv.New64a()
		h.Write([]byte("cloakroom schema"))
		if err := execAll(ctx, tx, []string{"SELECT pg_advisory_xact_lock(" + strconv.FormatInt(int64(h.Sum64()), 10) + ")"}); err != nil {
			return err
		}
	}
	if err := execAll(ctx, tx, ddl(&s.opts)); err != nil {
		return err
	}
	return tx.Commit()
}

func execAll(ctx context.Context, run runner, texts []string) error {
	for _, text := range texts {
		if _, err := run.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// ddl returns the statements for normalized options.
func ddl(o *Options) []string {
	switch o.Layout {
	case FlaskSQLAlchemy:
		return flaskSQLAlchemyDDL(o)
	case FlaskPostgreSQL:
		return flaskPostgreSQLDDL(o)
	}
	switch o.Dialect {
	case PostgreSQL:
		return []string{
			fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	store_key text COLLATE "C" PRIMARY KEY,
	token bigint NOT NULL,
	expires timestamptz,
	data bytea NOT NULL
)`, qualified(o, o.Table)),
			fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %s ON %s (expires)`, o.Dialect.quote(o.Table+"_expires"), qualified(o, o.Table)),
		}
	case MySQL:
		return []string{
			fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n"+
				"\tstore_key VARBINARY(250) NOT NULL PRIMARY KEY,\n"+
				"\ttoken BIGINT NOT NULL,\n"+
				"\texpires DATETIME(6) NULL,\n"+
				"\tdata LONGBLOB NOT NULL,\n"+
				"\tKEY %s (expires)\n"+
				") ENGINE=InnoDB", qualified(o, o.Table), o.Dialect.quote(o.Table+"_expires")),
		}
	}
	// SQLite wants the schema before the index, and not before its table.
	index := *o
	index.Schema = ""
	return []string{
		fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	store_key TEXT NOT NULL PRIMARY KEY,
	token INTEGER NOT NULL,
	expires TEXT,
	data BLOB NOT NULL
)`, qualified(o, o.Table)),
		fmt.Sprintf(`CREATE INDEX IF NOT EXISTS %s ON %s (expires)`, qualified(o, o.Table+"_expires"), qualified(&index, o.Table)),
	}
}

// flaskSQLAlchemyDDL makes the table as SQLAlchemy does for Flask-Session, but
// for two columns on MySQL: session_id compares byte by byte there, and data
// holds more than 64 KiB. To Flask-Session they are the same.
func flaskSQLAlchemyDDL(o *Options) []string {
	table := qualified(o, o.Table)
	switch o.Dialect {
	case PostgreSQL:
		id, first := "SERIAL", []string(nil)
		if o.Sequence != "" {
			id, first = "INTEGER", []string{"CREATE SEQUENCE IF NOT EXISTS " + qualified(o, o.Sequence)}
		}
		return append(first, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	id %s NOT NULL,
	session_id VARCHAR(255),
	data BYTEA,
	expiry TIMESTAMP WITHOUT TIME ZONE,
	PRIMARY KEY (id),
	UNIQUE (session_id)
)`, table, id))
	case MySQL:
		id, first := "INTEGER NOT NULL AUTO_INCREMENT", []string(nil)
		if o.Sequence != "" {
			id, first = "INTEGER NOT NULL", []string{"CREATE SEQUENCE IF NOT EXISTS " + qualified(o, o.Sequence)}
		}
		return append(first, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	id %s,
	session_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
	data LONGBLOB,
	expiry DATETIME,
	PRIMARY KEY (id),
	UNIQUE (session_id)
) ENGINE=InnoDB`, table, id))
	}
	return []string{fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	id INTEGER NOT NULL,
	session_id VARCHAR(255),
	data BLOB,
	expiry DATETIME,
	PRIMARY KEY (id),
	UNIQUE (session_id)
)`, table)}
}

// flaskPostgreSQLDDL makes the table as Flask-Session's PostgreSQL backend does.
func flaskPostgreSQLDDL(o *Options) []string {
	table := qualified(o, o.Table)
	return []string{
		fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	session_id VARCHAR(255) NOT NULL PRIMARY KEY,
	created TIMESTAMP WITHOUT TIME ZONE DEFAULT (NOW() AT TIME ZONE 'utc'),
	data BYTEA,
	expiry TIMESTAMP WITHOUT TIME ZONE
)`, table),
		fmt.Sprintf("CREATE UNIQUE INDEX IF NOT EXISTS %s ON %s (session_id)", o.Dialect.quote("uq_"+o.Table+"_session_id"), table),
		fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (expiry)", o.Dialect.quote(o.Table+"_expiry_idx"), table),
	}
}
