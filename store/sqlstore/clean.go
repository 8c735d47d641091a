package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"time"
)

const (
	// cleanMost is how many rows a statement removes at most. It is fewer where
	// that takes long, see pace.
	cleanMost = 1000
	// cleanAnew is after how long the index is searched from its beginning
	// again, see cleaner.
	cleanAnew = time.Hour
)

// A cleaner is where the removal of expired records has come to. What it has
// removed stays in the index for a while (until a vacuum in PostgreSQL, a
// purge in InnoDB, neither of which comes while some transaction is open), and
// each statement that began before it would have to pass over all of it. Rows
// that expired earlier and were left, because another process held them or
// their expiry was made up, wait for the next hour.
type cleaner struct {
	// turn lets one goroutine clean at a time. Two would get in each other's
	// way: the one behind passes over what the other one removes meanwhile.
	turn chan struct{}

	mu    sync.Mutex // guards from, since and id
	from  time.Time  // expiries before it are done
	since time.Time  // the index was searched from its beginning
	id    int64      // where the walk of a table without an index goes on
	rows  pace
	width pace // of a walk
}

// cleaning are the queries that remove expired records. Only some are there:
//
//   - PostgreSQL and SQLite find and remove a batch in one statement.
//   - MySQL finds a batch by the index of expiries and removes it by the
//     primary key. In one statement it would lock the index first, against the
//     order of all others, and so end in deadlocks.
//   - The table of FlaskSQLAlchemy has no index of expiries. It is walked
//     through in the order of its numbers.
type cleaning struct {
	batch  query // PostgreSQL's returns the number and the last expiry
	find   query
	last   query
	window query
	// The rest of what removes keys or numbers that were found.
	before, after string
}

func newCleaning(o *Options, g *grammar) (c cleaning) {
	const due = "{dead} AND {expires} >= {in} ORDER BY {expires} LIMIT $limit"
	switch {
	case o.Layout == FlaskSQLAlchemy:
		c.last = g.query("SELECT COALESCE(MAX(id), 0) FROM {table}")
		c.window = g.query("SELECT id, CASE WHEN {live} THEN 0 ELSE 1 END FROM {table} WHERE {beyond} AND id <= {last} ORDER BY id LIMIT $limit")
		c.before = g.query("DELETE FROM {table} WHERE id IN (").text
		c.after = g.query(") AND ({live}) IS NOT TRUE").text
	case o.Dialect == PostgreSQL:
		// An array is computed once, a subquery perhaps more often. What another
		// process holds, it is about to remove or to change; what we hold stays
		// where it is.
		c.batch = g.query("WITH gone AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}" +
			" WHERE " + due + " FOR UPDATE SKIP LOCKED)) RETURNING {out} AS expired) SELECT COUNT(*), MAX(expired) FROM gone")
	case o.Dialect == SQLite:
		c.batch = g.query("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {dead} ORDER BY {expires} LIMIT $limit)")
	default:
		c.find = g.query("SELECT {key}, {out} FROM {table} WHERE " + due)
		c.before = g.query("DELETE FROM {table} WHERE {key} IN (").text
		c.after = g.query(") AND {dead}").text
	}
	return c
}

// A runner runs statements: a database, a connection, or a transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DeleteExpired implements [store.Cleaner]. However large limit is, each of its
// statements removes a thousand records at most, and fewer where that takes
// longer than a moment.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	const op = "delete expired"
	if err := s.enter(ctx, op); err != nil {
		return 0, err
	}
	defer s.leave()
	removed := 0
	for removed < limit {
		n, more, err := s.cleanInTurn(ctx, limit-removed)
		removed += n
		if err != nil {
			return removed, s.fail(ctx, op, "", err)
		}
		if !more {
			break
		}
	}
	return removed, nil
}

// cleanInTurn is cleanBatch when no other goroutine is at it.
func (s *Store) cleanInTurn(ctx context.Context, limit int) (removed int, more bool, err error) {
	if err := s.takeTurn(ctx); err != nil {
		return 0, false, err
	}
	defer s.passTurn()
	return s.cleanBatch(ctx, s.db, limit)
}

func (s *Store) takeTurn(ctx context.Context) error {
	select {
	case s.cleaner.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Store) passTurn() { <-s.cleaner.turn }

// cleanBatch removes at most limit expired records, and reports whether there
// may be more.
func (s *Store) cleanBatch(ctx context.Context, run runner, limit int) (removed int, more bool, err error) {
	limit = s.cleaner.rows.next(min(limit, cleanMost))
	begin := time.Now()
	switch {
	case s.sql.clean.window.text != "":
		return s.cleanWindow(ctx, run, limit)
	case s.opts.Dialect == SQLite:
		removed, err = s.cleanExec(ctx, run, s.sql.clean.batch.text, int64(limit))
		more = removed == limit
	default:
		removed, more, err = s.cleanFrom(ctx, run, limit)
	}
	if err == nil {
		s.cleaner.rows.took(limit, !more, time.Since(begin))
	}
	return removed, more, err
}

// cleanFrom removes records by the index of expiries.
func (s *Store) cleanFrom(ctx context.Context, run runner, limit int) (removed int, more bool, err error) {
	c := &s.cleaner
	c.mu.Lock()
	from := c.from
	anew := from.IsZero()
	if anew {
		from, c.since = earliest, time.Now()
	}
	c.mu.Unlock()

	p := params{expires: s.clock.value(from), limit: int64(limit)}
	last := scan{clock: s.clock}
	found := 0
	if s.opts.Dialect == MySQL {
		found, removed, err = s.cleanFound(ctx, run, &p, &last)
	} else {
		q := &s.sql.clean.batch
		err = s.attempt(ctx, true, func() error {
			return run.QueryRowContext(ctx, q.text, q.values(&p)...).Scan(&removed, &last)
		})
		found = removed
	}
	if err != nil {
		return removed, false, err
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if last.at.After(c.from) {
		c.from = last.at
	}
	if more = found == limit; !more && !anew && time.Since(c.since) > cleanAnew {
		c.from, more = time.Time{}, true
	}
	return removed, more, nil
}

// cleanFound finds records by the index and removes them by their keys.
func (s *Store) cleanFound(ctx context.Context, run runner, p *params, last *scan) (found, removed int, err error) {
	var keys []any
	err = each(ctx, run, &s.sql.clean.find, p, func(rows *sql.Rows) error {
		var key string
		if err := rows.Scan(&key, last); err != nil {
			return err
		}
		keys = append(keys, key)
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, 0, err
	}
	marks := strings.Repeat("?, ", len(keys)-1) + "?"
	removed, err = s.cleanExec(ctx, run, s.sql.clean.before+marks+s.sql.clean.after, keys...)
	return len(keys), removed, err
}

// cleanExec runs one statement that removes expired records.
func (s *Store) cleanExec(ctx context.Context, run runner, text string, args ...any) (removed int, err error) {
	err = s.attempt(ctx, true, func() error {
		r, err := run.ExecContext(ctx, text, args...)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		removed = int(n)
		return err
	})
	return removed, err
}

// each calls f for every row of a query.
func each(ctx context.Context, run runner, q *query, p *params, f func(*sql.Rows) error) error {
	rows, err := run.QueryContext(ctx, q.text, q.values(p)...)
	if err != nil {
		return err
	}
	return drain(rows, f)
}
