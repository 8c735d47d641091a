package memstore

import (
	"context"
	"iter"
	"math"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// List implements [store.Lister]. It copies the records of a few slots at a
// time, and holds no lock while the caller looks at them.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		var batch []store.Entry
		for i := range s.shards {
			sh := &s.shards[i]
			for pos := uint32(math.MaxUint32); pos > 0; {
				pos, batch = sh.list(pos, prefix, batch[:0])
				for _, e := range batch {
					if err := s.ready(ctx, "list"); err != nil {
						yield(store.Entry{}, err)
						return
					}
					if !yield(e, nil) {
						return
					}
				}
			}
		}
		// Also if there was nothing to yield.
		if err := s.ready(ctx, "list"); err != nil {
			yield(store.Entry{}, err)
		}
	}
}

// list appends the live records of the slots below pos to batch, a step's
// worth of them, and returns where the next step begins.
func (sh *shard) list(pos uint32, prefix string, batch []store.Entry) (uint32, []store.Entry) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	now := time.Now()
	pos = min(pos, sh.n)
	for range sweepStep {
		if pos == 0 {
			break
		}
		pos--
		sl := sh.at(pos)
		if k := int(sl.keyLen); k >= len(prefix) && string(sl.buf[:len(prefix)]) == prefix && sl.live(now) {
			batch = append(batch, store.Entry{Key: string(sl.buf[:k]), Record: sl.record()})
		}
	}
	return pos, batch
}
