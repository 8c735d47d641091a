package cachestore

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

const shardCount = 64

// shard is what goes on with some of the keys.
type shard struct {
	mu   sync.Mutex
	busy map[string]*busy
}

// busy is what goes on with one key, for as long as something does. All
// changes of the cache are made under the shard's lock, so that what a load
// has found cannot get into the cache after a change that it did not see.
type busy struct {
	calls   int     // that go on; when there are none, busy is forgotten
	changes uint64  // that have ended
	flight  *flight // the load that others may join and whose record may be kept
}

// flight is a load of the store behind.
type flight struct {
	start time.Time
	done  chan struct{} // closed when the rest is set

	rec store.Record
	err error
	// abandoned says that the load ended because its caller gave up, or for
	// a reason that may be another record's: that is no answer for others.
	abandoned bool
}

// enter notes that something goes on with key, and returns with the shard
// locked.
func (s *Store) enter(key string) (*shard, *busy) {
	sh := &s.shards[maphash.String(s.seed, key)%shardCount]
	sh.mu.Lock()
	b := sh.busy[key]
	if b == nil {
		b = new(busy)
		if sh.busy == nil {
			sh.busy = map[string]*busy{}
		}
		sh.busy[key] = b
	}
	b.calls++
	return sh, b
}

// leave undoes enter. The shard is locked, and is unlocked.
func (sh *shard) leave(key string, b *busy) {
	if b.calls--; b.calls == 0 {
		delete(sh.busy, key)
	}
	sh.mu.Unlock()
}

// Load implements [store.Store]. Of several that miss the same record at the
// same time, one asks the store behind.
func (s *Store) Load(ctx context.Context, key string) (store.Record, error) {
	if err := s.begin(ctx, "load", key); err != nil {
		return store.Record{}, err
	}
	now := time.Now()
	if r, ok := s.cached(key, now); ok {
		s.hits.Add(1)
		return r, nil
	}
	s.misses.Add(1)
	f, first := s.join(key, now)
	if first {
		return s.fly(ctx, key, f)
	}
	return s.wait(ctx, key, f)
}

// wait returns the record of key when the load f has ended, which another call
// makes. If that one gives up, or f is nil because it has just ended, it looks
// into the cache and loads the record itself.
func (s *Store) wait(ctx context.Context, key string, f *flight) (store.Record, error) {
	for {
		if f != nil {
			select {
			case <-f.done:
				if !f.abandoned {
					return f.rec, f.err
				}
			case <-ctx.Done():
			}
		}
		if err := s.ready(ctx, "load"); err != nil {
			return store.Record{}, err
		}
		now := time.Now()
		if r, ok := s.cached(key, now); ok {
			return r, nil
		}
		var first bool
		if f, first = s.join(key, now); first {
			return s.fly(ctx, key, f)
		}
	}
}

// join returns the load of key that goes on, or a new one that the caller has
// to make; none if one has just ended and left the record in the cache.
func (s *Store) join(key string, now time.Time) (f *flight, first bool) {
	sh, b := s.enter(key)
	// One that has lasted for long may have read the record long ago.
	if f := b.flight; f != nil && now.Sub(f.start) < s.staleFor {
		sh.leave(key, b)
		return f, false
	}
	if _, ok := s.cached(key, now); ok {
		sh.leave(key, b)
		return nil, false
	}
	f = &flight{start: now, done: make(chan struct{}), abandoned: true}
	b.flight = f
	sh.mu.Unlock() // fly leaves
	return f, true
}

// fly asks the store behind, and keeps the record unless it was changed
// meanwhile.
func (s *Store) fly(ctx context.Context, key string, f *flight) (store.Record, error) {
	defer s.land(key, f)
	f.rec, f.err = s.inner.Load(ctx, key)
	f.abandoned = f.err != nil && ctx.Err() != nil
	return f.rec, f.err
}

// land ends the load f of key, and gives what it has found to those who wait.
func (s *Store) land(key string, f *flight) {
	sh := &s.shards[maphash.String(s.seed, key)%shardCount]
	sh.mu.Lock()
	b := sh.busy[key]
	if b.flight == f {
		b.flight = nil
		switch {
		case f.err == nil && !f.abandoned:
			s.keep(key, f.rec, f.start)
		case errors.Is(f.err, store.ErrNotFound):
			s.cache.Invalidate(key)
		}
	}
	sh.leave(key, b)
	close(f.done)
}

// keep puts a record into the cache that the store behind had at a time. The
// shard is locked.
func (s *Store) keep(key string, r store.Record, at time.Time) {
	if !s.closed.Load() {
		s.cache.Set(key, &entry{r, at.Add(s.staleFor)})
	}
}

// A change is one of the record of a key that goes on.
type change struct {
	key    string
	before uint64 // how many changes of it had ended when this one began
	start  time.Time
	kept   store.Record // as it is then stored, if that is known
}

// begun notes that a change of the record of key begins.
func (s *Store) begun(key string) change {
	sh, b := s.enter(key)
	before := b.changes
	sh.mu.Unlock() // ended leaves
	return change{key: key, before: before, start: time.Now()}
}

// ended keeps the record that a change has made, or drops the one that there
// was.
func (s *Store) ended(c *change) {
	sh := &s.shards[maphash.String(s.seed, c.key)%shardCount]
	sh.mu.Lock()
	b := sh.busy[c.key]
	alone := b.changes == c.before
	b.changes++
	// Loads that go on may have read the record as it was. Nobody joins
	// them any more, now that the change is acknowledged, and what they
	// have read is not kept.
	b.flight = nil
	if alone && c.kept.Exists() {
		s.keep(c.key, c.kept, c.start)
	} else {
		// Which of two changes at the same time was the later nobody here
		// knows, nor what one has done that failed.
		s.cache.Invalidate(c.key)
	}
	sh.leave(c.key, b)
}
