package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/store"
)

// chainMost is how many changes PostgreSQL is given in one statement.
const chainMost = 8

// SaveAll implements [store.BatchSaver]. It is one statement in PostgreSQL, for
// up to eight changes that each have a record before or after, and otherwise a
// transaction.
func (s *Store) SaveAll(ctx context.Context, changes []store.Change) ([]store.Record, error) {
	const op = "save all"
	if err := store.CheckChanges(changes); err != nil {
		return nil, fmt.Errorf("sqlstore: %s: %w", op, err)
	}
	if err := s.enter(ctx, op); err != nil {
		return nil, err
	}
	defer s.leave()
	if len(changes) == 0 {
		return []store.Record{}, nil
	}
	swaps := make([]*swap, len(changes))
	records := make([]store.Record, len(changes))
	keys := make([]string, len(changes))
	for i, c := range changes {
		sw, err := s.newSwap(ctx, c.Key, c.Prev, c.Next)
		if err != nil {
			return nil, s.fail(ctx, op, c.Key, err)
		}
		swaps[i], records[i], keys[i] = &sw, sw.next, c.Key
	}
	// All lock the rows in the same order: or two would wait for each other.
	slices.SortFunc(swaps, func(a, b *swap) int { return cmp.Compare(a.key, b.key) })

	together := s.transact
	if s.opts.Dialect == PostgreSQL && len(swaps) <= chainMost && !slices.ContainsFunc(swaps, func(sw *swap) bool { return s.query(sw) == nil }) {
		together = s.chain
	}
	var ok bool
	err := s.attempt(ctx, true, func() (err error) {
		ok, err = together(ctx, swaps)
		return err
	})
	if err != nil {
		return nil, s.fail(ctx, op, quoted(err, keys), err)
	}
	if !ok {
		return nil, fmt.Errorf("sqlstore: %s: %w", op, store.ErrConflict)
	}
	return records, nil
}

// transact makes swaps in a transaction, and reports false if the record of one
// is not there. Each statement meets the newest version of its row and locks
// it, whatever the transaction has seen before.
func (s *Store) transact(ctx context.Context, swaps []*swap) (ok bool, err error) {
	// Before the transaction, which may have the only connection.
	kept := map[*query]*sql.Stmt{}
	for _, q := range []*query{&s.sql.replace, &s.sql.remove, &s.sql.create, &s.sql.delete} {
		if kept[q], err = s.statement(ctx, q); err != nil {
			return false, err
		}
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // nothing after Commit
	exec := func(q *query, sw *swap) (sql.Result, error) {
		if st := kept[q]; st != nil {
			return tx.StmtContext(ctx, st).ExecContext(ctx, q.values(&sw.params)...)
		}
		return tx.ExecContext(ctx, q.text, q.values(&sw.params)...)
	}
	for _, sw := range swaps {
		q := s.query(sw)
		if q == nil {
			// What is not there cannot be locked, so it is made and removed.
			q = &s.sql.create
			sw.data, sw.expires = []byte{}, s.clock.value(latest)
		}
		r, err := exec(q, sw)
		if ok, err := s.swapped(sw, r, err); err != nil || !ok {
			return false, err
		}
		if s.query(sw) == nil {
			if _, err := exec(&s.sql.delete, sw); err != nil {
				return false, err
			}
		}
	}
	return true, tx.Commit()
}

// lost is what PostgreSQL says, and may write to its log, when chain has it
// undo a statement.
const lost = "cloakroom: nothing is saved, as one of the records was changed meanwhile"

// chain is transact by one statement of PostgreSQL, which has a step for each
// swap:
//
//	WITH s0 AS (UPDATE … WHERE … AND (the records of the other steps are there) RETURNING 1),
//	s1 AS (INSERT … SELECT … WHERE (SELECT COUNT(*) FROM s0) = 1 ON CONFLICT … RETURNING 1)
//	SELECT whether s1 has a row, or an error if only s0 has
//
// Steps see the table as it was when the statement began, but each meets the
// newest version of its own row, for which it waits, and locks it. A step
// needs the result of the one before, so that their order is that of the keys.
// One that meets another record has no row; then none that follows does
// anything, and the error undoes those before. The look at the others first
// makes the error rare: it takes a change while the statement runs.
func (s *Store) chain(ctx context.Context, swaps []*swap) (ok bool, err error) {
	text, args := s.sql.grammar.chain(swaps)
	err = s.db.QueryRowContext(ctx, text, args...).Scan(&ok)
	if err != nil && codeOf(err).state == "22P02" && strings.Contains(err.Error(), lost) {
		return false, nil
	}
	return ok, err
}

// chain returns the statement of [Store.chain] and its arguments.
func (g *grammar) chain(swaps []*swap) (string, []any) {
	var args []any
	var first, steps strings.Builder
	parts := make([][2]strings.Builder, len(swaps))
	for i, sw := range swaps {
		there, begin, end := "EXISTS (SELECT 1 FROM {table} WHERE {this} AND {same} AND {live})", replaceWords+" AND ", ""
		switch {
		case !sw.prev:
			there = "NOT EXISTS (SELECT 1 FROM {table} WHERE {this} AND {live})"
			begin = "INSERT INTO {table} AS old ({columns}) SELECT {values} WHERE "
			end = " ON CONFLICT ({key}) DO UPDATE SET {renew} WHERE ({live old}) IS NOT TRUE"
		case !sw.next.Exists():
			begin = removeWords + " AND "
		}
		q := query{before: len(args)}
		if i > 0 {
			first.WriteString(" AND ")
			g.expand(&q, &first, there)
		}
		g.expand(&q, &parts[i][0], begin)
		g.expand(&q, &parts[i][1], end)
		args = append(args, q.values(&sw.params)...)
	}
	for i := range parts {
		name := "s" + strconv.Itoa(i)
		steps.WriteString([]string{"WITH ", ", "}[min(i, 1)] + name + " AS (" + parts[i][0].String())
		if i == 0 {
			steps.WriteString("TRUE" + first.String())
		} else {
			steps.WriteString("(SELECT COUNT(*) FROM s" + strconv.Itoa(i-1) + ") = 1")
		}
		steps.WriteString(parts[i][1].String() + " RETURNING 1)")
	}
	last := "s" + strconv.Itoa(len(parts)-1)
	// Not a constant, whose cast would fail whether it is needed or not.
	return steps.String() + " SELECT CASE WHEN (SELECT COUNT(*) FROM " + last + ") = 1 THEN TRUE" +
		" WHEN (SELECT COUNT(*) FROM s0) = 0 THEN FALSE" +
		" ELSE CAST(REPEAT('" + lost + "', (SELECT COUNT(*) FROM s0)::int) AS boolean) END", args
}
