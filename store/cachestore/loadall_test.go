package cachestore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// holdsAll checks what LoadAll returns for the keys; "" stands for no record.
func holdsAll(t testing.TB, s *Store, keys []string, data ...string) {
	t.Helper()
	records, err := s.LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatalf("LoadAll = %v, want no error", err)
	}
	for i, r := range records {
		if string(r.Data) != data[i] || r.Exists() != (data[i] != "") {
			t.Errorf("record %d is %.40q, want %.40q", i, r.Data, data[i])
		}
	}
}

// asked checks which keys the store behind was asked for, each call's in one
// text.
func asked(t testing.TB, inner *cloakroomtest.Faulty, want ...string) {
	t.Helper()
	var got []string
	for _, c := range inner.Calls(cloakroomtest.OpLoad, cloakroomtest.OpLoadAll) {
		got = append(got, c.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the store behind was asked for %q, want %q", got, want)
	}
	inner.ForgetCalls()
}

func TestLoadAllAsksForWhatIsNotInMemory(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	for _, key := range []string{"a", "b", "c"} {
		save(t, inner.Unwrap(), key, store.Record{}, rec("data of "+key, time.Time{}))
	}
	holds(t, s, "b", "data of b")
	inner.ForgetCalls()
	keys := []string{"a", "b", "absent", "a", "c"}
	holdsAll(t, s, keys, "data of a", "data of b", "", "data of a", "data of c")
	asked(t, inner, "a absent c")
	// All but the absent one have been kept.
	holdsAll(t, s, keys, "data of a", "data of b", "", "data of a", "data of c")
	asked(t, inner, "absent")
	holds(t, s, "c", "data of c")
	holdsAll(t, s, []string{"a", "b"}, "data of a", "data of b")
	asked(t, inner)
	if got := s.Stats(); got.Hits != 8 || got.Misses != 6 {
		t.Errorf("Stats = %+v, want 8 hits and 6 misses", got)
	}
}

// A store behind that cannot load many is asked one by one.
func TestLoadAllInFrontOfAnyStore(t *testing.T) {
	inner := cloakroomtest.NewFaulty(bare{memstore.New(memstore.Options{})})
	s := cache(t, inner, Options{StaleFor: time.Hour})
	defer s.Close()
	save(t, inner.Unwrap(), "b", store.Record{}, rec("data", time.Time{}))
	holdsAll(t, s, []string{"a", "b"}, "", "data")
	asked(t, inner, "a", "b")
}

func TestLoadAllIsStaleForAsLongAsLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Minute)
		elsewhere := inner.Unwrap()
		r := save(t, elsewhere, "k", store.Record{}, rec("old", time.Time{}))
		// The record may be as old as the beginning of the load.
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoadAll, Nth: 1, Delay: 20 * time.Second})
		holdsAll(t, s, []string{"k"}, "old")
		save(t, elsewhere, "k", r, rec("new", time.Time{}))
		time.Sleep(40*time.Second - 1)
		holdsAll(t, s, []string{"k"}, "old")
		time.Sleep(time.Nanosecond)
		holdsAll(t, s, []string{"k"}, "new")
	})
}

// What a LoadAll has read before a change is not kept after it, and nobody gets
// it who asks later.
func TestLoadAllInFlightBringsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Hour)
		r := save(t, inner.Unwrap(), "k", store.Record{}, rec("old", time.Time{}))
		// Its answer takes 20 seconds: it reads, and others come meanwhile.
		slow := slowAll{inner, 20 * time.Second}
		s.inner = slow
		var wg sync.WaitGroup
		wg.Go(func() { holdsAll(t, s, []string{"k", "l"}, "old", "") })
		time.Sleep(10 * time.Second)
		save(t, s, "k", r, rec("new", time.Time{}))
		if err := s.Delete(t.Context(), "l"); err != nil {
			t.Fatal(err)
		}
		s.cache.InvalidateAll() // as if there were no room
		holds(t, s, "k", "new")
		wg.Wait()
		holds(t, s, "k", "new")
	})
}

// slowAll is a store whose LoadAll answers late.
type slowAll struct {
	*cloakroomtest.Faulty
	d time.Duration
}

func (s slowAll) LoadAll(ctx context.Context, keys []string) ([]store.Record, error) {
	records, err := s.Faulty.LoadAll(ctx, keys)
	time.Sleep(s.d)
	return records, err
}

// Loads and LoadAlls that miss the same records ask once for each.
func TestHerdOfLoadAllAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Hour)
		for i := range 4 {
			save(t, inner.Unwrap(), fmt.Sprint(i), store.Record{}, rec("data", time.Time{}))
		}
		inner.Inject(cloakroomtest.Fault{Delay: time.Second})
		var wg sync.WaitGroup
		for _, keys := range [][]string{{"0", "1"}, {"1", "2"}, {"2", "0", "3"}, {"3", "1"}} {
			wg.Go(func() { holdsAll(t, s, keys, "data", "data", "data") })
			synctest.Wait()
			wg.Go(func() { holds(t, s, keys[0], "data") })
		}
		wg.Wait()
		asked(t, inner, "0 1", "2", "3")
	})
}

// An error of LoadAll may be that of one record: no other load gets it.
func TestErrorsOfLoadAllAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Hour)
		save(t, inner.Unwrap(), "k", store.Record{}, rec("data", time.Time{}))
		damaged := errors.New("the record cannot be read")
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoadAll, Nth: 1, Delay: time.Second, Err: damaged})
		var wg sync.WaitGroup
		wg.Go(func() {
			if records, err := s.LoadAll(t.Context(), []string{"k", "other"}); !errors.Is(err, damaged) || records != nil {
				t.Errorf("LoadAll = %v, %v, want the store's error alone", records, err)
			}
		})
		synctest.Wait()
		wg.Go(func() { holds(t, s, "k", "data") })
		wg.Go(func() { holdsAll(t, s, []string{"other", "k"}, "", "data") })
		wg.Wait()
		for i := range s.shards {
			if n := len(s.shards[i].busy); n > 0 {
				t.Errorf("something goes on with %d keys, and nobody is there", n)
			}
		}
	})
}

// Who gives up has the answer that Load would give, and leaves nothing behind.
func TestLoadAllThatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Hour)
		save(t, inner.Unwrap(), "k", store.Record{}, rec("data", time.Time{}))
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoadAll, Nth: 1, Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.LoadAll(ctx, []string{"k"}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("LoadAll = %v, want %v", err, context.DeadlineExceeded)
			}
		})
		synctest.Wait()
		wg.Go(func() { holds(t, s, "k", "data") }) // waited for the other
		wg.Go(func() {                             // and so did this one
			if _, err := s.LoadAll(ctx, []string{"k"}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("LoadAll = %v, want %v", err, context.DeadlineExceeded)
			}
		})
		wg.Wait()
		holdsAll(t, s, []string{"k"}, "data")
	})
}
