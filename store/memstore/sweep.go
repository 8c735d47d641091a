package memstore

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sweepEvery is how long an expired record may take up memory.
	sweepEvery = time.Minute
	// sweepStep is how many slots are looked at before the shard's lock is
	// given to others.
	sweepStep = 256
	// reclaimEvery is how often a full store looks for expired records.
	reclaimEvery = time.Second
)

// sweeper is the timer of the sweeps. Only a running sweep is a goroutine.
type sweeper struct {
	armed   atomic.Bool // a timer is set, or a sweep is running
	mu      sync.Mutex
	stopped bool
	timer   *time.Timer
	running sync.WaitGroup
}

// arm sees to it that a sweep will come. It is called after a record was
// saved.
func (s *Store) arm() {
	w := &s.sweeper
	if w.armed.Load() || !w.armed.CompareAndSwap(false, true) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.timer = time.AfterFunc(sweepEvery, s.tick)
	}
}

// tick sweeps once, and sets the next timer if records are left.
func (s *Store) tick() {
	w := &s.sweeper
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		return
	}
	w.running.Add(1)
	w.mu.Unlock()
	defer w.running.Done()

	_, _ = s.sweep(context.Background(), math.MaxInt)
	// In this order: a Save that came after the look at its shard finds the
	// sweeper unarmed.
	w.armed.Store(false)
	if !s.empty() {
		s.arm()
	}
}

// stop ends the sweeps and waits for one that is running.
func (w *sweeper) stop() {
	w.mu.Lock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	w.running.Wait()
}

// empty reports whether there are no records, expired ones included.
func (s *Store) empty() bool {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		n := sh.n
		sh.mu.RUnlock()
		if n > 0 {
			return false
		}
	}
	return true
}

// DeleteExpired implements [store.Cleaner]. The store does this by itself; it
// is for programs that want their memory back at once.
func (s *Store) DeleteExpired(ctx context.Context, limit int) (int, error) {
	if err := s.ready(ctx, "delete expired"); err != nil {
		return 0, err
	}
	return s.sweep(ctx, limit)
}

// sweep removes at most limit expired records, and gives back memory.
func (s *Store) sweep(ctx context.Context, limit int) (int, error) {
	total := 0
	for i := range s.shards {
		sh := &s.shards[i]
		for pos := uint32(math.MaxUint32); pos > 0 && total < limit; {
			if err := s.ready(ctx, "delete expired"); err != nil {
				return total, err
			}
			var removed int
			pos, removed = sh.sweep(pos, limit-total)
			total += removed
		}
		if total >= limit {
			break
		}
	}
	return total, nil
}

// sweep looks at the slots below pos, a step's worth of them, and removes at
// most limit that have expired. It returns where the next step begins, and
// how many it removed.
func (sh *shard) sweep(pos uint32, limit int) (next uint32, removed int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := time.Now()
	pos = min(pos, sh.n)
	for range sweepStep {
		if pos == 0 || removed == limit {
			break
		}
		pos--
		if !sh.at(pos).live(now) {
			sh.remove(pos)
			removed++
		}
	}
	if pos == 0 {
		sh.trim()
	}
	return pos, removed
}

// reclaim removes the expired records of a store that is full, at most once in
// a while. Who comes while another one is at it waits for the result.
func (s *Store) reclaim() {
	b := &s.budget
	b.reclaimMu.Lock()
	defer b.reclaimMu.Unlock()
	if time.Since(b.reclaimed) < reclaimEvery {
		return
	}
	_, _ = s.sweep(context.Background(), math.MaxInt)
	b.reclaimed = time.Now()
}
