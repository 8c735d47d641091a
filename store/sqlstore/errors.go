package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// errFolded says that a live record has another key that the table takes for
// the same.
var errFolded = errors.New("the table does not tell two keys apart that differ by case")

func notFound(op string) error { return fmt.Errorf("sqlstore: %s: %w", op, store.ErrNotFound) }

// ended is the error of a call whose context is done.
func ended(ctx context.Context, op string) error {
	return fmt.Errorf("sqlstore: %s: %w", op, context.Cause(ctx))
}

// fail is the error of a call. It gives away neither key nor data, whatever
// the driver's says.
func (s *Store) fail(ctx context.Context, op, key string, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return store.WithAdvice(ended(ctx, op), adviceOnTime)
	case ctx.Err() != nil:
		return ended(ctx, op)
	}
	k := kindOf(err)
	text := discreet(err, key)
	advice := k.advice()
	switch {
	case errors.Is(err, errFolded):
		advice = "Make the column compare byte by byte: ALTER TABLE … MODIFY session_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin."
	case errors.Is(err, store.ErrTooLarge):
		advice = store.Advice(err)
	case k == tooLarge:
		err = fmt.Errorf("%w: %w", store.ErrTooLarge, err)
		text = store.ErrTooLarge.Error() + ": " + text
	case k == noTable:
		advice = s.adviseTable()
	}
	if errors.Is(err, fs.ErrNotExist) {
		// That a socket is missing must not read as a session's end, as which
		// store.ErrNotFound, and so fs.ErrNotExist, is known.
		err = nil
	}
	err = &failure{text: "sqlstore: " + op + ": " + text, err: err}
	if advice == "" {
		return err
	}
	return store.WithAdvice(err, advice)
}

// A failure is an error with a text that may be logged.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// discreet is the text of err, if nothing in it can be a key or data.
func discreet(err error, key string) string {
	c := codeOf(err)
	text := strings.Join(strings.Fields(err.Error()), " ") // some have several lines
	switch {
	case c.state != "" && (strings.HasPrefix(c.state, "22") || strings.HasPrefix(c.state, "23")):
		return "the server refuses the values (SQLSTATE " + c.state + ")" // and may quote them
	case c.mysql != 0 && !mysqlDiscreet[c.mysql]:
		return fmt.Sprintf("the server answers with error %d", c.mysql)
	case key != "" && strings.Contains(text, key), strings.Contains(text, "encode"):
		return "the columns of the table are of other types than the store's"
	}
	return text
}

func (s *Store) adviseTable() string {
	return fmt.Sprintf("Make the table %s with EnsureSchema (create_table=true in a URL), or run what `cloakroom ddl` prints.",
		qualified(&s.opts, s.opts.Table))
}

// A kind is what the store or an operator can do about an error.
type kind int

const (
	other     kind = iota
	undone         // the server has undone the statement; try it again
	busy           // another process holds SQLite's lock; try it again
	noTable        // or a column of it
	noUnique       // index on the key
	password       // or user
	forbidden      // to this user
	noDatabase
	readOnly
	full // disk
	tooLarge
	crowded // too many connections
	pooled  // prepared statements of one client are seen by another
	unreachable
	damaged
	closedFile // to the program
	badDisk
)

const adviceOnTime = "The database does not answer in time: check that it runs and can be reached, and look for what holds it up, such as a lock or too few connections (max_open_conns)."

const adviceOnFile = "The directory must exist, and the program's user must be allowed to write to it and to the file."

func (k kind) advice() string {
	switch k {
	case busy:
		return "Another process holds the database's lock for long. Look for one that leaves a transaction open."
	case noUnique:
		return "The column session_id needs a unique index. Remove all but the first row of each session_id, then CREATE UNIQUE INDEX."
	case password:
		return "Check the user name and password, and that the server lets this user in from this host."
	case forbidden:
		return "Grant the user SELECT, INSERT, UPDATE and DELETE on the table."
	case noDatabase:
		return "Check the name of the database or schema, or create it."
	case readOnly:
		return "The server takes no changes: it is a replica or was set read-only. Connect to the primary server."
	case full:
		return "Make room on the disk of the database."
	case tooLarge:
		return "Keep less in the session, or raise the server's limit (max_allowed_packet in MySQL and MariaDB)."
	case crowded:
		return "Let the program open fewer connections (max_open_conns), or the server accept more (max_connections)."
	case pooled:
		return "A pooler gives the statements of one connection to several of the server's. Set the driver's default_query_exec_mode=exec, or have the pooler care for prepared statements."
	case unreachable:
		return "Check the host and port, and that the database server runs."
	case closedFile:
		return adviceOnFile
	case badDisk:
		return "Look at the disk of the database file and the system's log: reading or writing it fails."
	case damaged:
		return "The file is no SQLite database or is damaged. Restore it, or move it away to begin with an empty one."
	}
	return ""
}
