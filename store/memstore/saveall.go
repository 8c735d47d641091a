package memstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// A step is one change of SaveAll, and what is known of it before its shard is
// locked.
type step struct {
	*store.Change
	content // key and data of next
	sh      *shard
	hash    uint32
}

// SaveAll implements [store.BatchSaver]. What the changes need of
// [Options.MaxBytes] is counted together, so that one record can make room for
// another.
func (s *Store) SaveAll(ctx context.Context, changes []store.Change) ([]store.Record, error) {
	const op = "save all"
	if err := store.CheckChanges(changes); err != nil {
		return nil, fmt.Errorf("memstore: %s: %w", op, err)
	}
	if err := s.ready(ctx, op); err != nil {
		return nil, err
	}
	steps := make([]step, len(changes))
	numbers := make([]int, len(changes))
	for i := range changes {
		c := &changes[i]
		if len(c.Next.Data) > s.maxRecord {
			return nil, fmt.Errorf("memstore: %s: %w", op, store.TooLarge(len(c.Next.Data), s.maxRecord))
		}
		n, hash := s.place(c.Key)
		numbers[i] = n
		steps[i] = step{c, pack(c.Key, c.Next.Data), &s.shards[n], hash}
	}
	// Each shard once, and in the order that all callers take: or two of them
	// would wait for each other.
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)

	records, err := s.replaceAll(numbers, steps)
	if errors.Is(err, ErrFull) {
		s.reclaim()
		records, err = s.replaceAll(numbers, steps)
	}
	if slices.ContainsFunc(records, store.Record.Exists) {
		s.arm()
	}
	return records, err
}

// replaceAll is SaveAll under the locks of the shards with the given numbers.
func (s *Store) replaceAll(numbers []int, steps []step) ([]store.Record, error) {
	for _, n := range numbers {
		s.shards[n].mu.Lock()
		defer s.shards[n].mu.Unlock()
	}
	if s.closed.Load() {
		return nil, fmt.Errorf("memstore: save all: %w", store.ErrClosed)
	}
	now := time.Now() // not before the locks, as in replace
	need := 0
	for i := range steps {
		st := &steps[i]
		old, ok := st.sh.findLive(st.hash, st.Key, now)
		if ok != st.Prev.Exists() || ok && st.sh.at(old).token != st.Prev.Token {
			return nil, fmt.Errorf("memstore: save all: %w", store.ErrConflict)
		}
		if ok {
			need -= st.sh.at(old).size() + overhead
		}
		if st.Next.Live(now) {
			need += st.size() + overhead
		}
	}
	if !s.budget.take(need) {
		return nil, errFull("save all")
	}
	records := make([]store.Record, len(steps))
	for i := range steps {
		records[i] = steps[i].apply(now)
	}
	return records, nil
}

// apply makes the change, for which the budget was taken, and returns the
// record as it is now. Slots are found anew, because removals move them.
func (st *step) apply(now time.Time) store.Record {
	i, ok := st.sh.find(st.hash, st.Key)
	if !st.Next.Live(now) {
		if ok {
			st.sh.cut(i)
		}
		return store.Record{}
	}
	if !ok {
		i = st.sh.add(st.hash, len(st.Key))
	}
	return st.sh.put(i, st.content, st.Next.Expires)
}
