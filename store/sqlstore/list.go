package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A page of a walk ends after so many rows, fewer if they take long, or so
// much data.
const (
	pageRows  = 1000
	pageBytes = 4 << 20
)

// List implements [store.Lister]. It reads page by page in the order of the
// primary key, and holds no connection while the caller is at work.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		w := walk{s: s, prefix: prefix, after: any("")}
		if layouts[s.opts.Layout].pos == "id" {
			w.after = int64(math.MinInt64)
		}
		if prefix != "" && store.CheckKey(prefix[:min(len(prefix), store.MaxKey)]) != nil {
			w.over = true // no key begins so, and not every column can be compared with it
		}
		for first := true; first || !w.over; first = false {
			entries, err := w.page(ctx)
			if err != nil {
				yield(store.Entry{}, err)
				return
			}
			for _, e := range entries {
				if ctx.Err() != nil {
					yield(store.Entry{}, ended(ctx, "list"))
					return
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// A walk is where a List has come to.
type walk struct {
	s      *Store
	prefix string
	after  any // the position of the last row
	over   bool
}

// errPageFull ends the reading of a page.
var errPageFull = errors.New("page is full")

// page returns the records of the next page, of which there may be none.
func (w *walk) page(ctx context.Context) (entries []store.Entry, err error) {
	const op = "list"
	if err := w.s.enter(ctx, op); err != nil {
		return nil, err
	}
	defer w.s.leave()
	if w.over {
		return nil, nil
	}
	// Keys have no DEL and nothing after it.
	p := params{after: w.after, prefix: w.prefix, end: w.prefix + "\x7f", limit: int64(w.s.page.next(pageRows))}
	rows, size, begin := 0, 0, time.Now()
	err = w.s.attempt(ctx, false, func() error {
		w.after, entries, rows, size = p.after, nil, 0, 0
		return each(ctx, w.s.db, &w.s.sql.page, &p, func(r *sql.Rows) error {
			e, wanted, err := w.entry(r)
			if err != nil {
				return err
			}
			rows++
			if wanted {
				entries = append(entries, e)
				size += len(e.Record.Data)
			}
			if size >= pageBytes {
				return errPageFull
			}
			return nil
		})
	})
	switch {
	case errors.Is(err, errPageFull):
		w.s.page.enough(rows)
		err = nil
	case err == nil:
		w.over = int64(rows) < p.limit
		w.s.page.took(int(p.limit), w.over, time.Since(begin))
	}
	if err != nil {
		return nil, w.s.fail(ctx, op, "", err)
	}
	return entries, nil
}

// entry reads a row and notes its position.
func (w *walk) entry(r *sql.Rows) (e store.Entry, wanted bool, err error) {
	var data []byte
	var token int64
	expires := scan{clock: w.s.clock}
	if _, numbered := w.after.(int64); numbered {
		var id int64
		err = r.Scan(&id, &e.Key, &wanted, &data, &expires, &token)
		w.after = id
	} else {
		var key string
		err = r.Scan(&key, &e.Key, &wanted, &data, &expires, &token)
		w.after = key
	}
	e.Record = newRecord(data, expires.at, token)
	return e, wanted, err
}
