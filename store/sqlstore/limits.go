package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/cloakroom/cloakroom/store"
)

// limits are what MySQL is asked before it is given something that it would
// answer by closing the connection, or by cutting it off.
type limits struct {
	mu     sync.Mutex
	column int // bytes that a record may have; zero is not yet known
	packet int
}

const (
	// smallPacket is what every server takes.
	smallPacket = 512 << 10
	// packetRest is what a statement may have beside the data.
	packetRest = 4 << 10
)

// errNotUnique says that rows of one session_id may become several.
var errNotUnique = errors.New("the table has no unique index on session_id")

// checkSize refuses a record that the database would not hold.
func (s *Store) checkSize(ctx context.Context, key string, data []byte) error {
	if len(data) > MaxSize {
		return store.TooLarge(len(data), MaxSize)
	}
	if s.opts.Dialect != MySQL {
		return nil
	}
	if s.opts.Layout == FlaskSQLAlchemy {
		column, err := s.columnLimit(ctx)
		if err != nil {
			return err
		}
		if len(data) > column {
			return store.WithAdvice(store.TooLarge(len(data), column),
				"Make the column wider: ALTER TABLE … MODIFY data LONGBLOB. Or keep less in the session.")
		}
	}
	if len(data) <= smallPacket {
		return nil
	}
	packet, err := s.packetLimit(ctx)
	if err != nil {
		return err
	}
	if max := packet - packetRest; len(data) > max {
		return store.WithAdvice(store.TooLarge(len(data), max), tooLarge.advice())
	}
	return nil
}

// packetLimit is the server's max_allowed_packet, as it was at the first
// large record.
func (s *Store) packetLimit(ctx context.Context) (int, error) {
	l := &s.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.packet > 0 {
		return l.packet, nil
	}
	var n int
	if err := s.db.QueryRowContext(ctx, "SELECT @@max_allowed_packet").Scan(&n); err != nil {
		return 0, err
	}
	l.packet = n
	return n, nil
}

// columnLimit is how wide the column of Flask's table is, into which a server
// that is not strict would put the beginning of a larger record. It also
// sees to it that there is the unique index, without which MySQL would create
// a record twice.
func (s *Store) columnLimit(ctx context.Context) (int, error) {
	l := &s.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.column > 0 {
		return l.column, nil
	}
	const in = "TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?"
	const text = "SELECT (SELECT CHARACTER_MAXIMUM_LENGTH FROM information_schema.COLUMNS WHERE " + in + " AND COLUMN_NAME = 'data')," +
		" (SELECT COUNT(*) FROM (SELECT INDEX_NAME FROM information_schema.STATISTICS WHERE " + in + " AND NON_UNIQUE = 0" +
		" GROUP BY INDEX_NAME HAVING COUNT(*) = 1 AND MAX(COLUMN_NAME) = 'session_id') AS i)"
	schema := sql.NullString{String: s.opts.Schema, Valid: s.opts.Schema != ""}
	var width sql.NullInt64
	var unique int
	err := s.db.QueryRowContext(ctx, text, schema, s.opts.Table, schema, s.opts.Table).Scan(&width, &unique)
	switch {
	case err != nil:
		return 0, err
	case !width.Valid:
		return MaxSize, nil // there is no such table: let the statement say so
	case unique == 0:
		return 0, store.WithAdvice(errNotUnique, noUnique.advice())
	}
	l.column = int(min(width.Int64, MaxSize))
	return l.column, nil
}
