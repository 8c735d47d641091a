package memstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// populate creates n records.
func populate(t *testing.T, s *Store, n int, expires time.Time) {
	t.Helper()
	for i := range n {
		_, err := s.Save(t.Context(), fmt.Sprint("key-", i), store.Record{}, store.Record{Data: []byte("data"), Expires: expires})
		if err != nil {
			t.Fatalf("Save = %v, want nil", err)
		}
	}
}

// held returns how many records there are, and places for records.
func held(s *Store) (records, slots, chains int) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		records += int(sh.n)
		slots += len(sh.pages) * pageSize
		chains += len(sh.heads)
		sh.mu.RUnlock()
	}
	return records, slots, chains
}

func TestSweepGivesMemoryBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{MaxBytes: 1 << 30})
		defer s.Close()
		populate(t, s, 30_000, time.Now().Add(time.Second))
		time.Sleep(sweepEvery)
		synctest.Wait()
		if records, slots, chains := held(s); records+slots+chains != 0 {
			t.Errorf("after the sweep: %d records, %d slots, %d chains, want 0", records, slots, chains)
		}
		if used := s.budget.used.Load(); used != 0 {
			t.Errorf("after the sweep: %d bytes counted, want 0", used)
		}
	})
}

func TestSweepShrinksAroundTheLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		defer s.Close()
		populate(t, s, 30_000, time.Now().Add(time.Second))
		for i := range 300 {
			if err := s.Touch(t.Context(), fmt.Sprint("key-", i*100), store.Record{}, time.Now().Add(time.Hour)); err != nil {
				t.Fatalf("Touch = %v, want nil", err)
			}
		}
		time.Sleep(sweepEvery)
		synctest.Wait()
		records, slots, chains := held(s)
		if records != 300 || slots > shardCount*pageSize || chains > 16*shardCount {
			t.Errorf("after the sweep: %d records, %d slots, %d chains, want 300 and room for few more", records, slots, chains)
		}
		for i := range 300 {
			if _, err := s.Load(t.Context(), fmt.Sprint("key-", i*100)); err != nil {
				t.Fatalf("Load = %v, want the record", err)
			}
		}
	})
}

func TestSaveAllSetsTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		defer s.Close()
		next := store.Record{Data: []byte("data"), Expires: time.Now().Add(time.Second)}
		if _, err := s.SaveAll(t.Context(), []store.Change{{Key: "a"}, {Key: "b", Next: next}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(sweepEvery + time.Second)
		synctest.Wait()
		if records, _, _ := held(s); records != 0 {
			t.Errorf("%d records are left, want 0", records)
		}
	})
}

func TestTimerOnlyWhileThereAreRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		defer s.Close()
		for range 2 { // also when it was empty in between
			if s.sweeper.armed.Load() {
				t.Error("an empty store has a timer")
			}
			populate(t, s, 10, time.Now().Add(3*sweepEvery))
			for range 3 {
				time.Sleep(sweepEvery - time.Second)
				synctest.Wait()
				if !s.sweeper.armed.Load() {
					t.Error("a store with records has no timer")
				}
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if records, _, _ := held(s); records != 0 {
				t.Errorf("%d records are left, want 0", records)
			}
		}
	})
}

// ownGoroutines counts the goroutines that run this package's code or were
// started by it, tests aside. The runtime has goroutines of its own,
// which come and go, so runtime.NumGoroutine says too much.
func ownGoroutines() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	n := 0
	for stack := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		if bytes.Contains(stack, []byte("/memstore.")) && !bytes.Contains(stack, []byte("testing.tRunner")) {
			n++
		}
	}
	return n
}

func TestNoGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		populate(t, s, 1000, time.Now().Add(time.Hour))
		time.Sleep(10 * sweepEvery) // ten sweeps
		synctest.Wait()
		if n := ownGoroutines(); n > 0 {
			t.Errorf("%d goroutines beside an idle store, want 0", n)
		}
		s.Close()
		time.Sleep(10 * sweepEvery)
		if n := ownGoroutines(); n > 0 {
			t.Errorf("%d goroutines after Close, want 0", n)
		}
	})
}

func TestCloseForgetsAndStopsTheTimer(t *testing.T) {
	s := New(Options{})
	populate(t, s, 1000, time.Time{})
	s.Close()
	if records, slots, chains := held(s); records+slots+chains != 0 {
		t.Errorf("after Close: %d records, %d slots, %d chains, want 0", records, slots, chains)
	}
	if s.sweeper.timer.Stop() {
		t.Error("after Close: the timer was still running")
	}
}

// A Save that has found its shard when the store closes must not fill it
// again.
func TestSaveOnItsWayWhenClosed(t *testing.T) {
	s := New(Options{})
	sh, hash, err := s.begin(t.Context(), "save", "k")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err = s.replace(sh, hash, "k", store.Record{}, store.Record{Data: []byte("x")}, pack("k", []byte("x")))
	if records, _, _ := held(s); !errors.Is(err, store.ErrClosed) || records != 0 {
		t.Errorf("Save = %v and %d records are there, want ErrClosed and none", err, records)
	}
}

// TestChainsSurviveRemovals removes in many orders from shards whose slots
// are moved about by each removal, and checks every record after it.
func TestChainsSurviveRemovals(t *testing.T) {
	var sh shard
	sh.budget = &budget{}
	const n = 200
	key := func(i int) string { return fmt.Sprint(i) }
	hash := func(i int) uint32 { return uint32(i * 7 % 32) } // many collisions
	there := map[int]bool{}
	step := 1
	for i := 0; i < 20*n; i++ {
		k := i * step % n
		if i%n == 0 {
			step += 2
		}
		at, ok := sh.find(hash(k), key(k))
		if ok != there[k] {
			t.Fatalf("step %d: find = %v, want %v", i, ok, there[k])
		}
		if ok {
			sh.remove(at)
			if sh.at(sh.n).buf != nil {
				t.Fatalf("step %d: the slot that became free holds on to its bytes", i)
			}
		} else {
			at = sh.add(hash(k), len(key(k)))
			sh.at(at).content = pack(key(k), nil)
			sh.at(at).setExpires(time.Time{})
		}
		if there[k] = !ok; i%50 == 0 {
			sh.trim()
		}
		for j := range n {
			if _, ok := sh.find(hash(j), key(j)); ok != there[j] {
				t.Fatalf("step %d: find of another = %v, want %v", i, ok, there[j])
			}
		}
	}
}
