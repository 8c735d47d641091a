package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// batches are for how many records LoadAll asks in one statement. Few sizes make
// few statements, for whatever number of keys: what is missing to the next one
// is filled up. SQLite's oldest versions take 999 arguments at most.
var batches = [...]int{4, 32, 256}

// loadAll makes the query that loads n records.
func (g *grammar) loadAll(n int) query {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = "?"
		if g.dialect == PostgreSQL {
			marks[i] = "$" + strconv.Itoa(i+1)
		}
	}
	g.words["keys"] = "=" + strings.Join(marks, ", ")
	return g.query("SELECT {key}, {stored}, {out}, {token} FROM {table} WHERE {key} IN ({keys}) AND {live}{order}")
}

// LoadAll implements [store.BatchLoader]. It loads 256 records by one statement.
func (s *Store) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	const op = "load all"
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, fmt.Errorf("sqlstore: %s: %w", op, err)
		}
	}
	if err := s.enter(ctx, op); err != nil {
		return nil, err
	}
	defer s.leave()
	records := make([]store.Record, 0, len(keys))
	for piece := range slices.Chunk(keys, batches[len(batches)-1]) {
		found, err := s.batch(ctx, piece)
		if err != nil {
			return nil, s.fail(ctx, op, quoted(err, piece), err)
		}
		for _, key := range piece {
			records = append(records, found[key])
		}
	}
	return records, nil
}

// batch returns the live records of keys, by key.
func (s *Store) batch(ctx context.Context, keys []string) (found map[string]store.Record, err error) {
	size := 0
	for batches[size] < len(keys) {
		size++
	}
	args := make([]any, batches[size])
	for i := range args {
		args[i] = keys[min(i, len(keys)-1)]
	}
	err = s.rows(ctx, &s.sql.loadAll[size], args, func() {
		found = make(map[string]store.Record, len(keys))
	}, func(r *sql.Rows) error {
		var key string
		var data []byte
		var token int64
		expires := scan{clock: s.clock}
		if err := r.Scan(&key, &data, &expires, &token); err != nil {
			return err
		}
		// By a column that ignores case there come others, too. Of several rows
		// of one key the first one counts.
		if !found[key].Exists() {
			found[key] = newRecord(data, expires.at, token)
		}
		return nil
	})
	return found, err
}

// quoted returns the key that the text of err contains, if it does.
func quoted(err error, keys []string) string {
	text := err.Error()
	for _, key := range keys {
		if strings.Contains(text, key) {
			return key
		}
	}
	return ""
}
