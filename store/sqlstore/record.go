package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	const op = "load"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if err := s.enter(ctx, op); err != nil {
		return store.Record{}, err
	}
	defer s.leave()
	var data []byte
	var token int64
	expires := scan{clock: s.clock}
	err := s.row(ctx, &s.sql.load, &params{key: key}, &data, &expires, &token)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Record{}, notFound(op)
	}
	if err != nil {
		return store.Record{}, s.fail(ctx, op, key, err)
	}
	return newRecord(data, expires.at, token), nil
}

func newRecord(data []byte, expires time.Time, token int64) store.Record {
	if data == nil {
		data = []byte{} // as some drivers read an empty column
	}
	return store.Record{Data: data, Expires: expires, Token: uint64(token)}
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	const op = "save"
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	if err := s.enter(ctx, op); err != nil {
		return store.Record{}, err
	}
	defer s.leave()
	sw, err := s.newSwap(ctx, key, prev, next)
	ok := false
	if err == nil {
		ok, err = s.swap(ctx, &sw)
	}
	if err != nil {
		return store.Record{}, s.fail(ctx, op, key, err)
	}
	if !ok {
		return store.Record{}, fmt.Errorf("sqlstore: save: %w", store.ErrConflict)
	}
	return sw.next, nil
}

// A swap is what Save does, ready for the database.
type swap struct {
	params
	prev bool         // a record is replaced
	next store.Record // as it will be stored
}

// newSwap makes the swap of prev for next, which it refuses if it is too large.
func (s *Store) newSwap(ctx context.Context, key string, prev, next store.Record) (swap, error) {
	if !next.Live(time.Now()) {
		next = store.Record{}
	}
	next.Expires = s.clock.round(next.Expires)
	if err := s.checkSize(ctx, key, next.Data); err != nil {
		return swap{}, err
	}
	if next.Exists() && layouts[s.opts.Layout].token != "" {
		next.Token = newToken()
	} else {
		next.Token = 0
	}
	sw := swap{prev: prev.Exists(), next: next}
	sw.params = params{key: key, data: next.Data, expires: s.clock.value(next.Expires), token: int64(next.Token)}
	if sw.prev {
		sw.old = s.compared(prev)
	}
	return sw, nil
}

// query returns the statement that makes the swap, or nil if nothing is to
// become nothing.
func (s *Store) query(sw *swap) *query {
	switch {
	case sw.prev && sw.next.Exists():
		return &s.sql.replace
	case sw.prev:
		return &s.sql.remove
	case sw.next.Exists():
		return &s.sql.create
	}
	return nil
}

// swap replaces one record by another, and reports false if it is not there.
func (s *Store) swap(ctx context.Context, sw *swap) (bool, error) {
	if q := s.query(sw); q != nil {
		r, err := s.exec(ctx, q, &sw.params)
		return s.swapped(sw, r, err)
	}
	var one int
	err := s.row(ctx, &s.sql.exists, &sw.params, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// swapped reports whether the statement for a swap has made it.
func (s *Store) swapped(sw *swap, r sql.Result, err error) (bool, error) {
	if sw.prev {
		return s.changed(r, err)
	}
	return s.created(r, err)
}

// compared is what a record is told from others by.
func (s *Store) compared(r store.Record) any {
	if layouts[s.opts.Layout].token != "" {
		return int64(r.Token)
	}
	switch s.opts.Dialect {
	case PostgreSQL:
		sum := sha256.Sum256(r.Data)
		return sum[:]
	case MySQL:
		sum := sha256.Sum256(r.Data)
		return hex.EncodeToString(sum[:])
	}
	return r.Data
}

// newToken returns a token that no other save has: two processes have no
// counter in common, and a counter in the row would start again with it.
func newToken() uint64 {
	for {
		if token := rand.Uint64(); token != 0 {
			return token
		}
	}
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, key string, _ store.Record, expires time.Time) error {
	const op = "touch"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	p := params{key: key, expires: s.clock.value(s.clock.round(expires))}
	ok, err := s.changed(s.exec(ctx, &s.sql.touch, &p))
	if err != nil {
		return s.fail(ctx, op, key, err)
	}
	if !ok {
		return notFound(op)
	}
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := store.CheckKey(key); err != nil {
		return err
	}
	if err := s.enter(ctx, op); err != nil {
		return err
	}
	defer s.leave()
	if _, err := s.exec(ctx, &s.sql.delete, &params{key: key}); err != nil {
		return s.fail(ctx, op, key, err)
	}
	return nil
}

// changed reports whether a statement has met the record that it was for.
func (s *Store) changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	if s.opts.Dialect == MySQL {
		if id, err := r.LastInsertId(); err != nil || id >= mark {
			return err == nil, err
		}
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// created reports whether an insertion has met no live record.
func (s *Store) created(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	if s.opts.Dialect != MySQL {
		n, err := r.RowsAffected()
		return n > 0, err
	}
	id, err := r.LastInsertId()
	if err == nil && id == mark+2 {
		err = errFolded
	}
	return id < mark, err
}
