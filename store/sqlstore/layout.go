package sqlstore

// A Layout says which table records are kept in.
type Layout string

const (
	// Native is cloakroom's own table. The empty Layout is Native too.
	Native Layout = "native"

	// FlaskSQLAlchemy is the table "sessions" of Flask-Session's SQLAlchemy
	// backend, in all versions: a numbered row with session_id, data, and expiry
	// in UTC. A row without expiry does not exist, as to Flask-Session 0.8;
	// 9999-12-31 00:00 stands for never.
	//
	// The table must have a unique index on session_id, as Flask-Session makes
	// it. Its index on MySQL ignores case, and its column holds 64 KiB; the
	// store keeps keys apart all the same, refuses larger records, and makes a
	// table without these limits.
	FlaskSQLAlchemy Layout = "flask-sqlalchemy"

	// FlaskPostgreSQL is the table "flask_sessions" of Flask-Session's
	// PostgreSQL backend. Its expiry is the time of day in the time zone of
	// Flask's connections, see [Options]. A row without expiry never expires.
	FlaskPostgreSQL Layout = "flask-postgresql"
)

// columns are the names of a layout's table and columns.
type columns struct {
	schema, table      string // unless the options say otherwise
	key, data, expires string
	token              string // empty if data is compared
	pos                string // in whose order List walks
}

var layouts = map[Layout]columns{
	Native: {
		table: "cloakroom_sessions",
		key:   "store_key", data: "data", expires: "expires", token: "token", pos: "store_key",
	},
	FlaskSQLAlchemy: {
		table: "sessions",
		key:   "session_id", data: "data", expires: "expiry", pos: "id",
	},
	FlaskPostgreSQL: {
		schema: "public", table: "flask_sessions",
		key: "session_id", data: "data", expires: "expiry", pos: "session_id",
	},
}
