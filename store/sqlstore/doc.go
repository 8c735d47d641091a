// Package sqlstore keeps session records in one table of a SQL database:
// PostgreSQL, MySQL or MariaDB, or SQLite. It works over database/sql and
// imports no driver; the program does:
//
//	import _ "github.com/jackc/pgx/v5/stdlib"       // PostgreSQL
//	import _ "github.com/go-sql-driver/mysql"       // MySQL, MariaDB
//	import _ "modernc.org/sqlite"                   // SQLite
//
// These are the drivers it is tested with. Others work if they keep to
// database/sql; where the driver does not give the database away, name it in
// [Options].
//
// # The table
//
// [Store.EnsureSchema] creates the table; [DDL] returns the statements, and
// `cloakroom ddl` prints them, for those who let nobody but an administrator do
// that. The native table has a row for each
// record:
//
//	store_key  the store key, compared byte by byte
//	token      another random number at each save
//	expires    when the record ends, in UTC; NULL is never
//	data       the record
//
// A save replaces the row only if it still has the token that was read, in one
// statement; so does each other method with one. [Layout] names the tables of
// Flask-Session, which have no token: there the old data is compared instead,
// by its SHA-256 in the server (PostgreSQL, MySQL), or byte by byte (SQLite).
//
// Expired rows are removed in small batches by the index of expiries, in the
// background or by [Store.DeleteExpired]. How many rows a statement is given
// depends on how long they take, so that none keeps others waiting.
//
// # Clocks
//
// Expiries are moments in UTC. Whether one has passed is decided by the
// database's clock alone, within the statement that reads or changes the row,
// so that programs whose clocks differ never differ about which sessions
// exist, nor does the time zone of a server or connection matter. (SQLite has
// no server; there it is the clock of the machine.) What a program's own clock
// decides is the expiry that it asks for: one that is a minute ahead gives
// sessions a minute more. Save looks at it in one more case, which is no
// decision about a stored record: a next that has expired by it is not stored.
//
// Expiries have microseconds, but those of Flask's table in MySQL, which
// counts seconds; they are rounded up. SQLite's clock counts milliseconds.
//
// # SQLite and the application's own transactions
//
// SQLite lets one transaction write at a time, and a session is saved before
// the first byte of the answer. A handler that answers while a transaction of
// its own is open, with a deferred Commit say, holds the lock that the save
// waits for: after cloakroom's StoreTimeout the visitor gets an error page,
// and the transaction is committed all the same. So commit, then answer.
//
// With SetMaxOpenConns(1) the session's load waits for the one connection too:
// an open transaction, or rows that are not closed, keep it until the same
// timeout. Use the session before, or put cloakroom's Preload around the
// handler, and close rows before the first write.
//
// Neither happens if the sessions have a file of their own.
//
// # Poolers and proxies
//
// Load, Save, Touch and Delete are one statement each, outside of any
// transaction, and leave nothing behind in a connection, so that PgBouncer and
// its like may pool by transaction. So is SaveAll in PostgreSQL, for up to eight
// changes; elsewhere it is a short transaction. The sweep in the background holds a lock
// for the length of a short transaction; where a pooler allows no transactions,
// switch it off and call DeleteExpired, which needs none.
//
// The store prepares no statements in PostgreSQL, but pgx does by itself:
// behind a PgBouncer older than 1.21 or without max_prepared_statements, set
// pgx's default_query_exec_mode=exec. In MySQL and SQLite the store keeps its
// statements prepared, which saves a round trip each time; if a proxy cannot
// have that, set Unprepared in [Options] and the driver's
// interpolateParams=true, which has the same effect.
//
// Reads must go to the primary server: on a replica that lags a visitor would
// not see what the last request saved.
package sqlstore
