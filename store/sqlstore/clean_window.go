package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// widest is how many rows one window of a walk can have at most.
const widest = 5000

// cleanWindow walks through a table without an index of expiries, from where
// the last call stopped and at most once around, until it has found limit
// expired records, which it removes. A window is a range of numbers, not of
// rows, so that no statement has to pass over more removed rows than that.
func (s *Store) cleanWindow(ctx context.Context, run runner, limit int) (removed int, more bool, err error) {
	c := &s.cleaner
	c.mu.Lock()
	at := c.id
	c.mu.Unlock()
	var top int64
	if err := run.QueryRowContext(ctx, s.sql.clean.last.text).Scan(&top); err != nil {
		return 0, false, err
	}
	start, around := at, at == 0
	for {
		if at >= top {
			if at = 0; around {
				break
			}
			around = true
		}
		if around && start > 0 && at >= start {
			break
		}
		ids, next, err := s.window(ctx, run, at, limit-removed)
		if err != nil {
			return removed, false, err
		}
		n, err := s.cleanIDs(ctx, run, ids, limit)
		removed += n
		if err != nil {
			return removed, false, err
		}
		at = next
		if more = removed >= limit; more {
			break
		}
	}
	c.mu.Lock()
	c.id = at
	c.mu.Unlock()
	return removed, more, nil
}

// window returns at most limit numbers of expired records among the next ones
// after at, and where the next window begins.
func (s *Store) window(ctx context.Context, run runner, at int64, limit int) (ids []string, next int64, err error) {
	width := s.cleaner.width.next(paceMost)
	end := at + int64(width)
	begin := time.Now()
	q := &s.sql.clean.window
	rows, err := run.QueryContext(ctx, q.text, q.values(&params{after: at, end: end, limit: widest})...)
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
	if len(ids) < limit && seen < widest {
		next = end
	}
	// It grows only over gaps: a range whose rows were not all wanted is wide
	// enough, as the server may have read all of it.
	s.cleaner.width.took(width, len(ids) == limit || seen >= widest/2, time.Since(begin))
	return ids, next, rows.Err()
}

// cleanIDs removes the records with these numbers, at most limit, that have
// still expired.
func (s *Store) cleanIDs(ctx context.Context, run runner, ids []string, limit int) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	begin := time.Now()
	removed, err := s.cleanExec(ctx, run, s.sql.clean.before+strings.Join(ids, ", ")+s.sql.clean.after)
	if err == nil {
		s.cleaner.rows.took(limit, len(ids) < limit, time.Since(begin))
	}
	return removed, err
}
