package sqlstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

const (
	// cleanBatch is how many rows a statement removes at most, so that none
	// takes long or holds many locks.
	cleanBatch = 1000
	// cleanWindow is how many rows are looked at in one statement where no
	// index tells which have expired.
	cleanWindow = 2000
)

// cleaning are the queries that remove expired records. Only some are there:
//
//   - PostgreSQL and SQLite find and remove a batch in one statement.
//   - MySQL finds a batch by the index of expiries and removes it by the
//     primary key. In one statement it would lock the index first, against the
//     order of all others, and so end in deadlocks.
//   - The table of FlaskSQLAlchemy has no index of expiries. It is walked
//     through in the order of its numbers.
type cleaning struct {
	batch  query
	find   query
	window query
	// The rest of what removes keys or numbers that were found.
	before, after string
}

func newCleaning(o *Options, g *grammar) (c cleaning) {
	switch {
	case o.Layout == FlaskSQLAlchemy:
		c.window = g.query("SELECT id, CASE WHEN {live} THEN 0 ELSE 1 END FROM {table} WHERE {beyond} ORDER BY id LIMIT $limit")
		c.before = g.query("DELETE FROM {table} WHERE id IN (").text
		c.after = g.query(") AND ({live}) IS NOT TRUE").text
	case o.Dialect == PostgreSQL:
		// An array is computed once, a subquery perhaps more often. What another
		// process holds, it is about to remove or to change.
		c.batch = g.query("DELETE FROM {table} WHERE {key} = ANY(ARRAY(SELECT {key} FROM {table}" +
			" WHERE {dead} ORDER BY {expires} LIMIT $limit FOR UPDATE SKIP LOCKED))")
	case o.Dialect == SQLite:
		c.batch = g.query("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {dead} ORDER BY {expires} LIMIT $limit)")
	default:
		c.find = g.query("SELECT {key} FROM {table} WHERE {dead} ORDER BY {expires} LIMIT $limit")
		c.before = g.query("DELETE FROM {table} WHERE {key} IN (").text
		c.after = g.query(") AND {dead}").text
	}
	return c
}

// A runner runs statements: a database, a connection, or a transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// DeleteExpired implements [store.Cleaner]. However large limit is, no
// statement removes more than a thousand records or takes long.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	const op = "delete expired"
	if err := s.enter(ctx, op); err != nil {
		return 0, err
	}
	defer s.leave()
	removed := 0
	for removed < limit {
		n, more, err := s.cleanBatch(ctx, s.db, min(cleanBatch, limit-removed))
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

// cleanBatch removes at most limit expired records, and reports whether there
// may be more.
func (s *Store) cleanBatch(ctx context.Context, run runner, limit int) (removed int, more bool, err error) {
	c := &s.sql.clean
	switch {
	case c.window.text != "":
		return s.cleanWindows(ctx, run, limit)
	case c.find.text != "":
		return s.cleanFound(ctx, run, limit)
	}
	removed, err = s.cleanExec(ctx, run, c.batch.text, c.batch.values(&params{limit: int64(limit)})...)
	return removed, removed == limit, err
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

// cleanFound finds records by the index and removes them by their keys.
func (s *Store) cleanFound(ctx context.Context, run runner, limit int) (removed int, more bool, err error) {
	p := params{limit: int64(limit)}
	var keys []any
	err = each(ctx, run, &s.sql.clean.find, &p, func(rows *sql.Rows) error {
		var key string
		if err := rows.Scan(&key); err != nil {
			return err
		}
		keys = append(keys, key)
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, false, err
	}
	marks := strings.Repeat("?, ", len(keys)-1) + "?"
	removed, err = s.cleanExec(ctx, run, s.sql.clean.before+marks+s.sql.clean.after, keys...)
	return removed, len(keys) == limit, err
}

// cleanWindows walks through the table from where the last call stopped, at
// most once around, until it has removed limit records.
func (s *Store) cleanWindows(ctx context.Context, run runner, limit int) (removed int, more bool, err error) {
	start := s.cursor.Load()
	at, around := start, start == 0
	for {
		ids, next, err := s.window(ctx, run, at, limit-removed)
		if err != nil {
			return removed, false, err
		}
		n, err := s.cleanIDs(ctx, run, ids)
		removed += n
		if err != nil {
			return removed, false, err
		}
		at = next
		if at == 0 {
			if around {
				s.cursor.Store(0)
				return removed, false, nil
			}
			around = true
		}
		if around && start > 0 && at >= start {
			s.cursor.Store(at)
			return removed, false, nil
		}
		if removed >= limit {
			s.cursor.Store(at)
			return removed, true, nil
		}
	}
}

// window returns at most limit numbers of expired records among the next ones
// after at, and where the next window begins: zero is the beginning.
func (s *Store) window(ctx context.Context, run runner, at int64, limit int) (ids []string, next int64, err error) {
	q := &s.sql.clean.window
	rows, err := run.QueryContext(ctx, q.text, q.values(&params{after: at, limit: cleanWindow})...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	seen := 0
	for len(ids) < limit && rows.Next() {
		var expired bool
		if err := rows.Scan(&next, &expired); err != nil {
			return nil, 0, err
		}
		seen++
		if expired {
			ids = append(ids, strconv.FormatInt(next, 10))
		}
	}
	if len(ids) < limit && seen < cleanWindow {
		next = 0
	}
	return ids, next, rows.Err()
}

// cleanIDs removes the records with these numbers that have still expired.
func (s *Store) cleanIDs(ctx context.Context, run runner, ids []string) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	return s.cleanExec(ctx, run, s.sql.clean.before+strings.Join(ids, ", ")+s.sql.clean.after)
}

// each calls f for every row of a query.
func each(ctx context.Context, run runner, q *query, p *params, f func(*sql.Rows) error) error {
	rows, err := run.QueryContext(ctx, q.text, q.values(p)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
