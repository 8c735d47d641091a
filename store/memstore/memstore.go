// Package memstore keeps records in the memory of the process. It suits
// programs that run as one process and may forget their sessions when it
// ends, and tests.
//
// It is not a cache: no live record is ever dropped to make room. A session
// with a key of 51 bytes and 90 bytes of data takes about 220 bytes of
// memory: see BenchmarkMemory, which has a million of them.
package memstore

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
)

// DefaultMaxRecord is the largest data of a record, in bytes, unless the
// options say otherwise. It is as much as the codecs of cloakroom read.
const DefaultMaxRecord = 16 << 20

// ErrFull says that a record was refused because it would exceed
// [Options.MaxBytes].
var ErrFull = errors.New("memory store is full")

// Options are the settings of a [Store]. The zero value is a store without a
// limit on the number of records.
type Options struct {
	// MaxBytes is how much memory all records may take together, in bytes,
	// about 72 per record for bookkeeping included. A Save that would exceed it
	// answers [ErrFull]; live records always stay. Zero means no limit.
	MaxBytes int64

	// MaxRecord is the largest data of one record, in bytes. Zero means
	// [DefaultMaxRecord].
	MaxRecord int
}

// Store is a store in memory. It has every capability of package store, and
// its methods may be called concurrently.
//
// Records with an expiry that has passed are removed by a sweep every minute.
// It is run by a timer that exists only while there are records.
type Store struct {
	seed      maphash.Seed
	shards    [shardCount]shard
	budget    budget
	maxRecord int
	closed    atomic.Bool
	sweeper   sweeper
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.BatchSaver  = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Cleaner     = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
)

// Errors that need no allocation, because absent records are asked for often.
var (
	errLoadAbsent   = fmt.Errorf("memstore: load: %w", store.ErrNotFound)
	errTouchAbsent  = fmt.Errorf("memstore: touch: %w", store.ErrNotFound)
	errSaveConflict = fmt.Errorf("memstore: save: %w", store.ErrConflict)
)

// New returns an empty store.
func New(o Options) *Store {
	s := &Store{seed: maphash.MakeSeed(), maxRecord: o.MaxRecord}
	if s.maxRecord <= 0 {
		s.maxRecord = DefaultMaxRecord
	}
	s.budget.max = o.MaxBytes
	for i := range s.shards {
		s.shards[i].budget = &s.budget
	}
	return s
}

// begin is what each method with a key begins with: it checks the key and the
// context, and finds the shard. Whether the store is closed is asked again
// under the shard's lock by methods that change something.
func (s *Store) begin(ctx context.Context, op, key string) (*shard, uint32, error) {
	if err := store.CheckKey(key); err != nil {
		return nil, 0, fmt.Errorf("memstore: %s: %w", op, err)
	}
	if err := s.ready(ctx, op); err != nil {
		return nil, 0, err
	}
	sh, hash := s.shard(key)
	return sh, hash, nil
}

// shard returns the shard of key, and the key's hash in it.
func (s *Store) shard(key string) (*shard, uint32) {
	n, hash := s.place(key)
	return &s.shards[n], hash
}

// place returns the number of the shard of key, and the key's hash in it.
func (s *Store) place(key string) (int, uint32) {
	h := maphash.String(s.seed, key)
	return int(h % shardCount), uint32(h >> 32)
}

// ready returns an error if the store is closed or ctx is done.
func (s *Store) ready(ctx context.Context, op string) error {
	if s.closed.Load() {
		return fmt.Errorf("memstore: %s: %w", op, store.ErrClosed)
	}
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("memstore: %s: %w: %w", op, err, cause)
	}
	return fmt.Errorf("memstore: %s: %w", op, err)
}

// Load implements [store.Store]. It allocates nothing: the data is shared.
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	sh, hash, err := s.begin(ctx, "load", key)
	if err != nil {
		return store.Record{}, err
	}
	r := sh.load(hash, key)
	// A record that never expires is not worth asking for the time.
	if !r.Exists() || !r.Expires.IsZero() && !time.Now().Before(r.Expires) {
		return store.Record{}, errLoadAbsent
	}
	return r, nil
}

// Save implements [store.Store].
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	sh, hash, err := s.begin(ctx, "save", key)
	if err != nil {
		return store.Record{}, err
	}
	var c content
	if next.Exists() {
		if len(next.Data) > s.maxRecord {
			return store.Record{}, fmt.Errorf("memstore: save: %w", store.TooLarge(len(next.Data), s.maxRecord))
		}
		c = pack(key, next.Data)
	}
	r, err := s.replace(sh, hash, key, prev, next, c)
	if errors.Is(err, ErrFull) {
		s.reclaim()
		r, err = s.replace(sh, hash, key, prev, next, c)
	}
	if err == nil && r.Exists() {
		s.arm()
	}
	return r, err
}

// replace is Save under the shard's lock. c is key and data of next.
func (s *Store) replace(sh *shard, hash uint32, key string, prev, next store.Record, c content) (store.Record, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.closed.Load() {
		return store.Record{}, fmt.Errorf("memstore: save: %w", store.ErrClosed)
	}
	// Not before the lock: who waited for it must not take an expired record
	// for a live one that others have seen gone.
	now := time.Now()
	i, ok := sh.findLive(hash, key, now)
	if ok != prev.Exists() || ok && sh.at(i).token != prev.Token {
		return store.Record{}, errSaveConflict
	}
	if !next.Live(now) {
		if ok {
			sh.remove(i)
		}
		return store.Record{}, nil
	}
	if ok {
		if !s.budget.take(c.size() - sh.at(i).size()) {
			return store.Record{}, errFull("save")
		}
	} else {
		if !s.budget.take(c.size() + overhead) {
			return store.Record{}, errFull("save")
		}
		i = sh.add(hash, len(key))
	}
	return sh.put(i, c, next.Expires), nil
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	sh, hash, err := s.begin(ctx, "touch", key)
	if err != nil {
		return err
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.closed.Load() {
		return fmt.Errorf("memstore: touch: %w", store.ErrClosed)
	}
	i, ok := sh.findLive(hash, key, time.Now())
	if !ok {
		return errTouchAbsent
	}
	sl := sh.at(i)
	sl.setExpires(store.Later(sl.expires(), expires))
	return nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	sh, hash, err := s.begin(ctx, "delete", key)
	if err != nil {
		return err
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if s.closed.Load() {
		return fmt.Errorf("memstore: delete: %w", store.ErrClosed)
	}
	if i, ok := sh.find(hash, key); ok {
		sh.remove(i)
	}
	return nil
}

// Ping implements [store.Pinger]. It saves, loads, touches and deletes a record
// of its own, so that a store that is full is an error.
func (s *Store) Ping(ctx context.Context) error {
	return probe.Ping(ctx, "memstore", s, probe.Key(), time.Now())
}

// Close forgets all records and ends the sweeps. Every later call answers
// [store.ErrClosed]. Closing again does nothing.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.sweeper.stop()
	for i := range s.shards {
		s.shards[i].drop()
	}
	return nil
}

// errFull says what to do about a full store.
func errFull(op string) error {
	return store.WithAdvice(fmt.Errorf("memstore: %s: %w", op, ErrFull),
		"Raise MaxBytes, shorten the sessions' idle timeout, or use a store outside of the process.")
}

// budget is how much memory the records may take.
type budget struct {
	max       int64 // zero: no limit, and nothing is counted
	used      atomic.Int64
	reclaimMu sync.Mutex
	reclaimed time.Time // guarded by reclaimMu
}

// take reserves n bytes, and reports whether they were left. A negative n
// always succeeds.
func (b *budget) take(n int) bool {
	if b.max <= 0 {
		return true
	}
	if used := b.used.Add(int64(n)); n > 0 && used > b.max {
		b.used.Add(int64(-n))
		return false
	}
	return true
}
