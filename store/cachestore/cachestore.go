package cachestore

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/cloakroom/cloakroom/store"
)

const (
	// DefaultMaxBytes is how much memory the records may take unless the
	// options say otherwise: 64 MiB.
	DefaultMaxBytes = 64 << 20

	// overhead is what a record takes beside key and data: 204 bytes, measured.
	overhead = 210
)

// Options are the settings of a [Store].
type Options struct {
	// StaleFor is how long this process may serve a record that another
	// process has changed or deleted, a revoked session included. It must be
	// given, and positive.
	StaleFor time.Duration

	// MaxBytes is about how much memory the records may take together, in
	// bytes; those that are used least are dropped. Zero means
	// [DefaultMaxBytes].
	MaxBytes int64
}

// Stats says how a cache does.
type Stats struct {
	Hits   uint64 // loads that were answered from memory
	Misses uint64 // loads that asked the store behind, or waited for one that did
	Bytes  int64  // about how much memory the records take
}

// Store is a near cache in front of another store. Make one with [New]. It has
// every capability of package store; one that the store behind lacks is
// answered with [store.ErrUnsupported], but for LoadAll, which then loads one by
// one. Its methods may be called concurrently.
type Store struct {
	inner    store.Store
	staleFor time.Duration
	cache    *otter.Cache[string, *entry]
	seed     maphash.Seed
	shards   [shardCount]shard
	closed   atomic.Bool

	hits, misses atomic.Uint64
}

// entry is a record in the cache.
type entry struct {
	store.Record
	until time.Time // when it may be too stale
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.BatchLoader = (*Store)(nil)
	_ store.BatchSaver  = (*Store)(nil)
	_ store.Lister      = (*Store)(nil)
	_ store.Cleaner     = (*Store)(nil)
	_ store.Pinger      = (*Store)(nil)
	_ io.Closer         = (*Store)(nil)
)

// New returns a cache in front of inner, which it then owns: [Store.Close]
// closes inner, too. The cache has a goroutine, which Close ends.
func New(inner store.Store, o Options) (*Store, error) {
	if inner == nil {
		return nil, errors.New("cachestore: new: no store given")
	}
	if o.StaleFor <= 0 {
		return nil, errors.New("cachestore: new: StaleFor must be given: how long may a record be served that another process has changed or deleted?")
	}
	if o.MaxBytes < 0 {
		return nil, errors.New("cachestore: new: MaxBytes is negative")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	cache, err := otter.New(&otter.Options[string, *entry]{
		MaximumWeight:    uint64(o.MaxBytes),
		Weigher:          func(key string, e *entry) uint32 { return uint32(min(int64(len(key)+len(e.Data)+overhead), 1<<32-1)) },
		ExpiryCalculator: otter.ExpiryWriting[string, *entry](o.StaleFor), // to free memory; entry.until decides
	})
	if err != nil {
		return nil, fmt.Errorf("cachestore: new: %w", err)
	}
	return &Store{inner: inner, staleFor: o.StaleFor, cache: cache, seed: maphash.MakeSeed()}, nil
}

// begin is what each method with a key begins with.
func (s *Store) begin(ctx context.Context, op, key string) error {
	if err := store.CheckKey(key); err != nil {
		return fmt.Errorf("cachestore: %s: %w", op, err)
	}
	return s.ready(ctx, op)
}

// ready returns an error if the store is closed or ctx is done.
func (s *Store) ready(ctx context.Context, op string) error {
	if s.closed.Load() {
		return fmt.Errorf("cachestore: %s: %w", op, store.ErrClosed)
	}
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("cachestore: %s: %w: %w", op, err, cause)
	}
	return fmt.Errorf("cachestore: %s: %w", op, err)
}

// cached returns the record of key if it is in memory and may be served.
func (s *Store) cached(key string, now time.Time) (store.Record, bool) {
	e, ok := s.cache.GetIfPresent(key)
	if !ok || !now.Before(e.until) || !e.Live(now) {
		return store.Record{}, false
	}
	return e.Record, true
}

// Save implements [store.Store]. The record that was saved is kept in memory.
func (s *Store) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	if err := s.begin(ctx, "save", key); err != nil {
		return store.Record{}, err
	}
	c := s.begun(key)
	defer s.ended(&c)
	r, err := s.inner.Save(ctx, key, prev, next)
	if err == nil {
		c.kept = r
	}
	return r, err
}

// SaveAll implements [store.BatchSaver], by the store behind. The records that
// were saved are kept in memory.
func (s *Store) SaveAll(ctx context.Context, changes []store.Change) ([]store.Record, error) {
	const op = "save all"
	if err := store.CheckChanges(changes); err != nil {
		return nil, fmt.Errorf("cachestore: %s: %w", op, err)
	}
	if err := s.ready(ctx, op); err != nil {
		return nil, err
	}
	b, ok := s.inner.(store.BatchSaver)
	if !ok {
		return nil, s.lacks(op)
	}
	ongoing := make([]change, len(changes))
	for i, c := range changes {
		ongoing[i] = s.begun(c.Key)
	}
	defer func() {
		for i := range ongoing {
			s.ended(&ongoing[i])
		}
	}()
	records, err := b.SaveAll(ctx, changes)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		ongoing[i].kept = r
	}
	return records, nil
}

// Touch implements [store.Store]. The record is dropped from memory.
func (s *Store) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	if err := s.begin(ctx, "touch", key); err != nil {
		return err
	}
	c := s.begun(key)
	defer s.ended(&c)
	return s.inner.Touch(ctx, key, prev, expires)
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.begin(ctx, "delete", key); err != nil {
		return err
	}
	c := s.begun(key)
	defer s.ended(&c)
	return s.inner.Delete(ctx, key)
}

// List implements [store.Lister], by the store behind.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	err := s.ready(ctx, "list")
	l, ok := s.inner.(store.Lister)
	if err == nil && !ok {
		err = s.lacks("list")
	}
	if err == nil {
		return l.List(ctx, prefix)
	}
	return func(yield func(store.Entry, error) bool) { yield(store.Entry{}, err) }
}

// DeleteExpired implements [store.Cleaner], by the store behind.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	if err := s.ready(ctx, "delete expired"); err != nil {
		return 0, err
	}
	if c, ok := s.inner.(store.Cleaner); ok {
		return c.DeleteExpired(ctx, limit)
	}
	return 0, s.lacks("delete expired")
}

// Ping implements [store.Pinger], by the store behind.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.ready(ctx, "ping"); err != nil {
		return err
	}
	if p, ok := s.inner.(store.Pinger); ok {
		return p.Ping(ctx)
	}
	return s.lacks("ping")
}

// lacks is the answer for a capability that the store behind has not got.
func (s *Store) lacks(op string) error {
	return fmt.Errorf("cachestore: %s: %w by %T", op, store.ErrUnsupported, s.inner)
}

// Unwrap returns the store behind.
func (s *Store) Unwrap() store.Store { return s.inner }

// Stats returns how the cache has done since it was made.
func (s *Store) Stats() Stats {
	s.cache.CleanUp() // so that Bytes is up to date
	return Stats{Hits: s.hits.Load(), Misses: s.misses.Load(), Bytes: int64(s.cache.WeightedSize())}
}

// Close forgets all records and closes the store behind. Every later call
// answers [store.ErrClosed].
func (s *Store) Close() error {
	if !s.closed.Swap(true) {
		s.cache.InvalidateAll()
		s.cache.StopAllGoroutines()
	}
	return store.Close(s.inner)
}
