package storetest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// plain is the simplest store that keeps all the rules: a map and a mutex. It
// is what the suite is tried on, and what the broken stores are made of.
type plain struct {
	mu      sync.Mutex
	records map[string]store.Record
	token   uint64
	limit   int
	closed  bool
}

var (
	_ store.BatchLoader = (*plain)(nil)
	_ store.BatchSaver  = (*plain)(nil)
	_ store.Lister      = (*plain)(nil)
	_ store.Cleaner     = (*plain)(nil)
	_ store.Pinger      = (*plain)(nil)
)

func newPlain() *plain {
	return &plain{records: map[string]store.Record{}, limit: 1 << 20}
}

// enter does what every method begins with.
func (s *plain) enter(ctx context.Context, key string) error {
	if err := store.CheckKey(key); err != nil {
		return err
	}
	return s.open(ctx)
}

func (s *plain) open(ctx context.Context) error {
	if s.closed {
		return store.ErrClosed
	}
	return context.Cause(ctx)
}

// live returns the live record of key, or the zero Record.
func (s *plain) live(key string) store.Record {
	if r := s.records[key]; r.Live(time.Now()) {
		return r
	}
	return store.Record{}
}

func (s *plain) Load(ctx context.Context, key string) (store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx, key); err != nil {
		return store.Record{}, err
	}
	r := s.live(key)
	if !r.Exists() {
		return r, fmt.Errorf("plain: load: %w", store.ErrNotFound)
	}
	return r, nil
}

func (s *plain) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx, key); err != nil {
		return store.Record{}, err
	}
	if err := s.check(key, prev, next); err != nil {
		return store.Record{}, err
	}
	return s.put(key, next), nil
}

// check reports why prev cannot be replaced by next.
func (s *plain) check(key string, prev, next store.Record) error {
	if len(next.Data) > s.limit {
		return store.TooLarge(len(next.Data), s.limit)
	}
	now := s.live(key)
	if now.Exists() != prev.Exists() || now.Token != prev.Token {
		return fmt.Errorf("plain: save: %w", store.ErrConflict)
	}
	return nil
}

// put makes next the record of key.
func (s *plain) put(key string, next store.Record) store.Record {
	if !next.Live(time.Now()) {
		delete(s.records, key)
		return store.Record{}
	}
	s.token++
	data := bytes.Clone(next.Data)
	next = store.Record{Data: data[:len(data):len(data)], Expires: next.Expires, Token: s.token}
	s.records[key] = next
	return next
}

func (s *plain) SaveAll(ctx context.Context, changes []store.Change) ([]store.Record, error) {
	if err := store.CheckChanges(changes); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	for _, c := range changes {
		if err := s.check(c.Key, c.Prev, c.Next); err != nil {
			return nil, err
		}
	}
	records := make([]store.Record, len(changes))
	for i, c := range changes {
		records[i] = s.put(c.Key, c.Next)
	}
	return records, nil
}

func (s *plain) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx, key); err != nil {
		return err
	}
	r := s.live(key)
	if !r.Exists() {
		return fmt.Errorf("plain: touch: %w", store.ErrNotFound)
	}
	r.Expires = store.Later(r.Expires, expires)
	s.records[key] = r
	return nil
}

func (s *plain) Delete(ctx context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx, key); err != nil {
		return err
	}
	delete(s.records, key)
	return nil
}

func (s *plain) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	for _, key := range keys {
		if err := store.CheckKey(key); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	records := make([]store.Record, len(keys))
	for i, key := range keys {
		records[i] = s.live(key)
	}
	return records, nil
}

func (s *plain) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		s.mu.Lock()
		err := s.open(ctx)
		keys := slices.Collect(maps.Keys(s.records))
		s.mu.Unlock()
		for _, key := range keys {
			if err != nil {
				break
			}
			s.mu.Lock()
			r := s.live(key)
			err = s.open(ctx)
			s.mu.Unlock()
			if err == nil && r.Exists() && strings.HasPrefix(key, prefix) && !yield(store.Entry{Key: key, Record: r}, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Entry{}, err)
		}
	}
}

func (s *plain) DeleteExpired(ctx context.Context, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(ctx); err != nil {
		return 0, err
	}
	n := 0
	for key, r := range s.records {
		if n < limit && !r.Live(time.Now()) {
			delete(s.records, key)
			n++
		}
	}
	return n, nil
}

func (s *plain) Ping(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(ctx)
}

func (s *plain) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
