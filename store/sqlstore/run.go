package sqlstore

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"
)

const (
	// retries is how often a statement is tried again that a server has undone
	// to end a deadlock, or because another one came first.
	retries = 10
	// busyTimeout is how long a call without a deadline waits for a lock of
	// SQLite that another process holds.
	busyTimeout = 30 * time.Second
)

// exec runs a statement that changes the table.
func (s *Store) exec(ctx context.Context, q *query, p *params) (res sql.Result, err error) {
	args := q.values(p)
	err = s.attempt(ctx, true, func() error {
		st, err := s.statement(ctx, q)
		switch {
		case err != nil:
			return err
		case st == nil:
			res, err = s.db.ExecContext(ctx, q.text, args...)
		default:
			res, err = st.ExecContext(ctx, args...)
		}
		return err
	})
	return res, err
}

// row reads one row into dest. Its error is sql.ErrNoRows if there is none.
func (s *Store) row(ctx context.Context, q *query, p *params, dest ...any) error {
	args := q.values(p)
	return s.attempt(ctx, false, func() error {
		st, err := s.statement(ctx, q)
		switch {
		case err != nil:
			return err
		case st == nil:
			return s.db.QueryRowContext(ctx, q.text, args...).Scan(dest...)
		}
		return st.QueryRowContext(ctx, args...).Scan(dest...)
	})
}

// rows calls f for every row of a query, after begin, which is called before
// each attempt.
func (s *Store) rows(ctx context.Context, q *query, args []any, begin func(), f func(*sql.Rows) error) error {
	return s.attempt(ctx, false, func() error {
		begin()
		st, err := s.statement(ctx, q)
		var rows *sql.Rows
		switch {
		case err != nil:
			return err
		case st == nil:
			rows, err = s.db.QueryContext(ctx, q.text, args...)
		default:
			rows, err = st.QueryContext(ctx, args...)
		}
		if err != nil {
			return err
		}
		return drain(rows, f)
	})
}

// drain calls f for each of rows, and closes them.
func drain(rows *sql.Rows, f func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// statement returns the kept statement for q, or nil if there are no such.
func (s *Store) statement(ctx context.Context, q *query) (*sql.Stmt, error) {
	if !s.keep {
		return nil, nil
	}
	s.preparing.Lock()
	st := s.prepared[q]
	s.preparing.Unlock()
	if st != nil {
		return st, nil
	}
	// Not under the lock: it may take as long as a connection does.
	st, err := s.db.PrepareContext(ctx, q.text)
	if err != nil {
		return nil, err
	}
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if other := s.prepared[q]; other != nil {
		_ = st.Close()
		return other, nil
	}
	s.prepared[q] = st
	return st, nil
}

// attempt calls f, and again if the database has undone it so that it may be.
func (s *Store) attempt(ctx context.Context, write bool, f func() error) error {
	begin := time.Now()
	for n := 0; ; n++ {
		err := s.admitted(ctx, write, f)
		if err == nil || ctx.Err() != nil {
			return err
		}
		switch kindOf(err) {
		case undone:
			if n >= retries {
				return err
			}
		case busy:
			if _, limited := ctx.Deadline(); !limited && time.Since(begin) > busyTimeout {
				return err
			}
		default:
			return err
		}
		// The others have some time to get out of the way, each another one.
		pause := time.NewTimer(rand.N(time.Millisecond << min(n, 6)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

// admitted calls f when it may write.
func (s *Store) admitted(ctx context.Context, write bool, f func() error) error {
	if !write || s.writer == nil {
		return f()
	}
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
		return f()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
