package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// postgresPass are the parameters of libpq, pgx and lib/pq that pass, and the
// settings of a session that make sense.
var postgresPass = []string{
	"host", "port", "user", "password", "dbname", "passfile", "service", "servicefile",
	"sslmode", "sslcert", "sslkey", "sslrootcert", "sslpassword", "sslsni", "sslnegotiation", "sslcertmode",
	"ssl_min_protocol_version", "ssl_max_protocol_version", "min_protocol_version", "max_protocol_version",
	"channel_binding", "require_auth", "krbspn", "krbsrvname", "connect_timeout", "target_session_attrs",
	"load_balance_hosts", "binary_parameters",
	"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity",
	"application_name", "fallback_application_name", "client_encoding", "options", "search_path", "role",
	"timezone", "TimeZone", "statement_timeout", "lock_timeout", "idle_session_timeout",
	"idle_in_transaction_session_timeout", "tcp_user_timeout",
}

var errNoSlashes = errors.New("sqlstore: open: no two slashes follow the scheme; write scheme://host/database")

func (t *target) postgres(u *url.URL, q *parameters) error {
	name, err := driverFor(u, "github.com/jackc/pgx/v5/stdlib", "pgx", "pgx/v5", "postgres")
	if err != nil {
		return err
	}
	if u.Opaque != "" {
		return errNoSlashes
	}
	dsn := *u
	dsn.Scheme = "postgres"
	// To libpq and pgx a plus is no space.
	dsn.RawQuery = strings.ReplaceAll(q.pass(postgresPass...).Encode(), "+", "%20")
	t.open = func() (*sql.DB, error) { return openDB(name, dsn.String()) }
	return nil
}

// mysqlPass are the parameters of go-sql-driver that pass, and the variables
// of a session that make sense.
var mysqlPass = []string{
	"allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords", "allowOldPasswords",
	"charset", "checkConnLiveness", "clientFoundRows", "collation", "columnsWithAlias", "compress",
	"connectionAttributes", "interpolateParams", "loc", "maxAllowedPacket", "parseTime", "readTimeout",
	"rejectReadOnly", "serverPubKey", "timeout", "timeTruncate", "tls", "writeTimeout",
	"innodb_lock_wait_timeout", "lock_wait_timeout", "max_execution_time", "max_statement_time", "sql_mode",
	"time_zone", "transaction_isolation", "tx_isolation", "wait_timeout",
}

func (t *target) mysql(u *url.URL, q *parameters) error {
	name, err := driverFor(u, "github.com/go-sql-driver/mysql", "mysql")
	if err != nil {
		return err
	}
	var socket string
	q.text("socket", &socket)
	database := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Opaque != "":
		return errNoSlashes
	case database == "" || strings.Contains(database, "/"):
		return fmt.Errorf("sqlstore: open: the URL names no database; write %s://host/database", u.Scheme)
	case socket != "" && u.Host != "":
		return errors.New("sqlstore: open: the URL names a host and a socket")
	case strings.Contains(u.User.Username(), ":"):
		return errors.New("sqlstore: open: the driver takes no user name with a colon")
	}
	// The driver finds the parts from the end, so that a password may hold any
	// character.
	var dsn strings.Builder
	if u.User != nil {
		password, _ := u.User.Password()
		dsn.WriteString(u.User.Username() + ":" + password + "@")
	}
	if socket != "" {
		dsn.WriteString("unix(" + socket + ")/")
	} else {
		dsn.WriteString("tcp(" + hostPort(u, "3306") + ")/")
	}
	dsn.WriteString(url.PathEscape(database))
	dsn.WriteString("?" + q.pass(mysqlPass...).Encode())
	t.open = func() (*sql.DB, error) { return openDB(name, dsn.String()) }
	return nil
}

// hostPort is the address of a URL, on this machine unless it says another.
func hostPort(u *url.URL, port string) string {
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(host, port)
}

// openDB is sql.Open. What Open does not let pass is a driver's error that shows
// the data source.
func openDB(name, dsn string) (*sql.DB, error) {
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open: the driver does not take the URL: %w", err)
	}
	return db, nil
}
