package cachestore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// history is a store that writes down what each key held when, and whose
// calls take a random while before and after they take effect.
type history struct {
	store.Store
	mu   sync.Mutex
	r    *rand.Rand
	past map[string][]version
}

// version is what a key held from a moment on. Data "" stands for no record.
type version struct {
	from time.Time
	data string
}

// effect is where a caller learns which version its change has made: its
// number, or -1 for none.
type effect struct{}

// effects are the versions that a SaveAll has made, by key.
type effects map[string]int

func newHistory(seed uint64) *history {
	return &history{Store: memstore.New(memstore.Options{}), r: rand.New(rand.NewPCG(seed, 0)), past: map[string][]version{}}
}

// intn is the one source of chance, so that a seed tells the whole run, as far
// as the scheduler allows.
func (h *history) intn(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.r.IntN(n)
}

// pause lasts for a moment, or for long now and then.
func (h *history) pause() {
	d := time.Duration(h.intn(10)) * time.Millisecond
	if h.intn(20) == 0 {
		d *= 30
	}
	time.Sleep(d)
}

func (h *history) Load(ctx context.Context, key string) (store.Record, error) {
	h.pause()
	defer h.pause()
	return h.Store.Load(ctx, key)
}

func (h *history) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	h.pause()
	defer h.pause()
	records := make([]store.Record, len(keys))
	for i, key := range keys {
		r, err := h.Load(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		records[i] = r
	}
	return records, nil
}

func (h *history) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	h.pause()
	defer h.pause()
	h.mu.Lock()
	defer h.mu.Unlock()
	r, err := h.Store.Save(ctx, key, prev, next)
	if err == nil {
		h.note(ctx, key, string(next.Data))
	}
	return r, err
}

func (h *history) SaveAll(ctx context.Context, changes []store.Change) ([]store.Record, error) {
	h.pause()
	defer h.pause()
	h.mu.Lock()
	defer h.mu.Unlock()
	records, err := h.Store.(store.BatchSaver).SaveAll(ctx, changes)
	if err == nil {
		for _, c := range changes {
			h.note(ctx, c.Key, string(c.Next.Data))
		}
	}
	return records, err
}

func (h *history) Delete(ctx context.Context, key string) error {
	h.pause()
	defer h.pause()
	h.mu.Lock()
	defer h.mu.Unlock()
	err := h.Store.Delete(ctx, key)
	h.note(ctx, key, "")
	return err
}

func (h *history) note(ctx context.Context, key, data string) {
	h.past[key] = append(h.past[key], version{time.Now(), data})
	switch at := ctx.Value(effect{}).(type) {
	case *int:
		*at = len(h.past[key]) - 1
	case effects:
		at[key] = len(h.past[key]) - 1
	}
}

// allowed reports whether a load that lasted from begin to end may return
// data, if nothing before the version oldest may be seen.
func (h *history) allowed(key, data string, begin, end time.Time, staleFor time.Duration, oldest int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	past := h.past[key]
	for i := -1; i < len(past); i++ {
		v := version{data: ""}
		if i >= 0 {
			v = past[i]
		}
		if v.data != data || i < oldest || v.from.After(end) {
			continue
		}
		if i+1 == len(past) || !past[i+1].from.Before(begin.Add(-staleFor)) {
			return true
		}
	}
	return false
}

// visitor uses a store at random, and checks what it sees.
type visitor struct {
	t        *testing.T
	h        *history
	s        store.Store
	staleFor time.Duration
	shared   *seen // by all visitors of this process
	name     string
	n        int
}

// seen is what must be visible to all in a process from now on: for each key
// the newest version that was acknowledged to one of them.
type seen struct {
	mu     sync.Mutex
	oldest map[string]int
}

func (s *seen) get(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.oldest[key]; ok {
		return i
	}
	return -1
}

func (s *seen) acknowledge(key string, version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.oldest[key]; !ok || version > old {
		s.oldest[key] = version
	}
}

func (v *visitor) visit() {
	key := strconv.Itoa(v.h.intn(2))
	r := v.load(key)
	for range v.h.intn(3) {
		r = v.load(key)
	}
	if v.h.intn(4) == 0 {
		r = v.loadAll()[key]
	}
	if v.h.intn(4) == 0 {
		v.saveAll()
		return
	}
	version := -1
	ctx := context.WithValue(v.t.Context(), effect{}, &version)
	var err error
	switch v.h.intn(8) {
	case 0:
		err = v.s.Delete(ctx, key)
	case 1:
		_, err = v.s.Save(ctx, key, r, store.Record{})
	case 2:
		err = v.s.Touch(ctx, key, r, time.Time{})
	case 3, 4, 5:
		v.n++
		_, err = v.s.Save(ctx, key, r, store.Record{Data: []byte(fmt.Sprint(v.name, v.n))})
	}
	if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrNotFound) {
		v.t.Errorf("a change failed: %v", err)
	}
	if version >= 0 {
		v.shared.acknowledge(key, version)
	}
	v.h.pause()
}

// saveAll saves both records, or deletes one of them and saves the other.
func (v *visitor) saveAll() {
	loaded := v.loadAll()
	if loaded == nil {
		return
	}
	v.n++
	versions := effects{}
	changes := []store.Change{{Key: "0", Prev: loaded["0"]}, {Key: "1", Prev: loaded["1"]}}
	for i := range changes {
		if v.h.intn(3) > 0 {
			changes[i].Next = store.Record{Data: []byte(fmt.Sprint(v.name, v.n))}
		}
	}
	_, err := v.s.(store.BatchSaver).SaveAll(context.WithValue(v.t.Context(), effect{}, versions), changes)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		v.t.Errorf("SaveAll failed: %v", err)
	}
	for key, version := range versions {
		v.shared.acknowledge(key, version)
	}
	v.h.pause()
}

func (v *visitor) load(key string) store.Record {
	oldest, begin := v.shared.get(key), time.Now()
	ctx, cancel := v.patience()
	defer cancel()
	r, err := v.s.Load(ctx, key)
	if err != nil && ctx.Err() != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Record{}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		v.t.Errorf("Load = %v", err)
	}
	v.check(key, r, begin, oldest)
	return r
}

// loadAll loads all records, one of them twice.
func (v *visitor) loadAll() map[string]store.Record {
	keys := []string{"0", "1", "0"}
	oldest, begin := []int{v.shared.get("0"), v.shared.get("1"), v.shared.get("0")}, time.Now()
	ctx, cancel := v.patience()
	defer cancel()
	records, err := store.LoadAll(ctx, v.s, keys)
	if err != nil {
		if ctx.Err() == nil {
			v.t.Errorf("LoadAll = %v", err)
		}
		return nil
	}
	for i, key := range keys {
		v.check(key, records[i], begin, oldest[i])
	}
	return map[string]store.Record{"0": records[0], "1": records[1]}
}

// patience returns a context for a load, which ends soon now and then.
func (v *visitor) patience() (context.Context, context.CancelFunc) {
	if v.h.intn(5) > 0 {
		return v.t.Context(), func() {}
	}
	return context.WithTimeout(v.t.Context(), time.Duration(v.h.intn(20))*time.Millisecond)
}

// check checks that r may be seen by a load that began at a time.
func (v *visitor) check(key string, r store.Record, begin time.Time, oldest int) {
	if !v.h.allowed(key, string(r.Data), begin, time.Now(), v.staleFor, oldest) {
		v.t.Errorf("%s: a load from %v to %v = %q, which may not be seen any more: version %d was acknowledged here; the history is %v",
			v.name, begin, time.Now(), r.Data, oldest, v.h.past[key])
	}
}

// Two processes with a cache each and one without use the same records. What a
// process has acknowledged, it sees; what others do, it sees in time.
func TestRandomHistories(t *testing.T) {
	runs := uint64(150)
	if testing.Short() {
		runs = 20
	}
	for seed := range runs {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(seed)
			staleFor := []time.Duration{time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond, time.Hour}[seed%4]
			a, b := cache(t, h, Options{StaleFor: staleFor}), cache(t, h, Options{StaleFor: staleFor, MaxBytes: 500})
			defer a.Close()
			defer b.Close()
			var wg sync.WaitGroup
			for p, s := range []store.Store{a, b, h} {
				shared, bound := &seen{oldest: map[string]int{}}, staleFor
				if s == h {
					bound = 0
				}
				for i := range 4 {
					v := &visitor{t: t, h: h, s: s, staleFor: bound, shared: shared, name: fmt.Sprintf("%c%d-", 'a'+p, i)}
					wg.Go(func() {
						for range 40 {
							if !t.Failed() {
								v.visit()
							}
						}
					})
				}
			}
			wg.Wait()
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
