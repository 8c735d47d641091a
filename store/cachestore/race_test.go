package cachestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// slow is a store whose answers take a while: what it has read or changed is
// known to its caller only after a delay.
type slow struct {
	store.Store
	mu    sync.Mutex
	load  time.Duration // how long the next Load takes after it has read
	write time.Duration // how long changes take before and after they take effect
}

// set sets how long calls take that begin from now on.
func (s *slow) set(load, write time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load, s.write = load, write
}

// change takes its time for f.
func (s *slow) change(f func() error) error {
	s.mu.Lock()
	d := s.write
	s.mu.Unlock()
	time.Sleep(d)
	defer time.Sleep(d)
	return f()
}

func (s *slow) Load(ctx context.Context, key string) (store.Record, error) {
	r, err := s.Store.Load(ctx, key)
	s.mu.Lock()
	d := s.load
	s.load = 0
	s.mu.Unlock()
	time.Sleep(d)
	return r, err
}

func (s *slow) Save(ctx context.Context, key string, prev, next store.Record) (r store.Record, err error) {
	err = s.change(func() error {
		r, err = s.Store.Save(ctx, key, prev, next)
		return err
	})
	return r, err
}

func (s *slow) SaveAll(ctx context.Context, changes []store.Change) (records []store.Record, err error) {
	err = s.change(func() error {
		records, err = s.Store.(store.BatchSaver).SaveAll(ctx, changes)
		return err
	})
	return records, err
}

func (s *slow) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	return s.change(func() error { return s.Store.Touch(ctx, key, prev, expires) })
}

func (s *slow) Delete(ctx context.Context, key string) error {
	return s.change(func() error { return s.Store.Delete(ctx, key) })
}

// The classic race: a load has read the record, then the record is changed,
// then the load is over. What it has read must not be in the cache, nor may
// others get it who asked after the change.
func TestLoadsInFlightBringNothingBack(t *testing.T) {
	soon, far := time.Hour, 2*time.Hour
	changes := map[string]func(t *testing.T, s *Store, r store.Record){
		"Save": func(t *testing.T, s *Store, r store.Record) {
			save(t, s, "k", r, rec("new", r.Expires.Add(far-soon)))
		},
		"Touch": func(t *testing.T, s *Store, r store.Record) {
			if err := s.Touch(t.Context(), "k", r, r.Expires.Add(far-soon)); err != nil {
				t.Error(err)
			}
		},
		"Delete": func(t *testing.T, s *Store, r store.Record) {
			if err := s.Delete(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		},
		"SaveAll": func(t *testing.T, s *Store, r store.Record) {
			if _, err := s.SaveAll(t.Context(), []store.Change{{Key: "l"}, {Key: "k", Prev: r, Next: rec("new", r.Expires.Add(far-soon))}}); err != nil {
				t.Error(err)
			}
		},
		"Save that deletes": func(t *testing.T, s *Store, r store.Record) { save(t, s, "k", r, store.Record{}) },
	}
	// The change takes effect at its second 10 and is acknowledged at 20.
	for _, c := range []struct {
		name         string
		begins, ends time.Duration // of the load, from when the change begins
	}{
		{"load begins before and ends during the change", -5 * time.Second, 15 * time.Second},
		{"load begins before and ends after the change", -5 * time.Second, 25 * time.Second},
		{"load begins in and ends during the change", 5 * time.Second, 15 * time.Second},
		{"load begins in and ends after the change", 5 * time.Second, 25 * time.Second},
	} {
		for name, change := range changes {
			t.Run(name+", "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					mem := memstore.New(memstore.Options{})
					inner := &slow{Store: mem, write: 10 * time.Second}
					s := cache(t, inner, Options{StaleFor: time.Hour})
					defer s.Close()
					old := save(t, mem, "k", store.Record{}, rec("old", time.Now().Add(soon)))
					zero := time.Now().Add(10 * time.Second)
					var wg sync.WaitGroup
					wg.Go(func() {
						time.Sleep(time.Until(zero.Add(c.begins)))
						inner.set(c.ends-c.begins, 10*time.Second)
						holds(t, s, "k", "old")
					})
					time.Sleep(time.Until(zero))
					change(t, s, old)
					check := func(when string) {
						want, wantErr := mem.Load(t.Context(), "k")
						got, err := s.Load(t.Context(), "k")
						if string(got.Data) != string(want.Data) || !got.Expires.Equal(want.Expires) || errors.Is(err, store.ErrNotFound) != errors.Is(wantErr, store.ErrNotFound) {
							t.Errorf("Load %s = %q until %v, %v, want %q until %v, %v", when, got.Data, got.Expires, err, want.Data, want.Expires, wantErr)
						}
					}
					check("after the change")
					wg.Wait()
					check("after the old load")
				})
			})
		}
	}
}

// Of two changes at once the answer to the first may come after that to the
// second.
func TestAnswersOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New(memstore.Options{})
		inner := &slow{Store: mem}
		s := cache(t, inner, Options{StaleFor: time.Hour})
		defer s.Close()
		old := save(t, s, "k", store.Record{}, rec("old", time.Time{}))
		inner.set(0, 10*time.Second)
		var wg sync.WaitGroup
		wg.Go(func() { save(t, s, "k", old, rec("first", time.Time{})) })
		time.Sleep(15 * time.Second) // the first has taken effect
		inner.set(0, time.Second)
		read, err := mem.Load(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		save(t, s, "k", read, rec("second", time.Time{}))
		holds(t, s, "k", "second")
		wg.Wait()
		holds(t, s, "k", "second")
	})
}

func TestHerdAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Hour)
		save(t, inner.Unwrap(), "k", store.Record{}, rec("data", time.Time{}))
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Delay: time.Second})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { holds(t, s, "k", "data") })
		}
		wg.Wait()
		loads(t, inner, 1)
		for i := range 50 { // absent ones, too
			wg.Go(func() { holds(t, s, fmt.Sprint(i%2), "") })
		}
		wg.Wait()
		loads(t, inner, 3)
	})
}

// The one of a herd that asks may give up; the others must get an answer.
func TestHerdOutlivesItsLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, inner := faulty(t, time.Hour)
		save(t, inner.Unwrap(), "k", store.Record{}, rec("data", time.Time{}))
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Nth: 1, Hang: true})
		var wg sync.WaitGroup
		impatient := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			if _, err := s.Load(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != d {
				t.Errorf("Load of one that gives up = %v after %v, want %v after %v", err, time.Since(start), context.DeadlineExceeded, d)
			}
		}
		wg.Go(func() { impatient(2 * time.Second) })
		synctest.Wait()
		loads(t, inner, 1)
		wg.Go(func() { impatient(time.Second) }) // waits for the first, and gives up earlier
		for range 20 {
			wg.Go(func() { holds(t, s, "k", "data") })
		}
		wg.Wait()
		loads(t, inner, 2)
	})
}

// Nobody joins a load that began longer ago than a record may be stale.
func TestOldFlightsAreNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New(memstore.Options{})
		inner := &slow{Store: mem, load: time.Hour}
		s := cache(t, inner, Options{StaleFor: time.Minute})
		defer s.Close()
		r := save(t, mem, "k", store.Record{}, rec("old", time.Time{}))
		var wg sync.WaitGroup
		wg.Go(func() { holds(t, s, "k", "old") })
		time.Sleep(time.Second)
		save(t, mem, "k", r, rec("new", time.Time{}))
		time.Sleep(59 * time.Second)
		holds(t, s, "k", "new")
		time.Sleep(2 * time.Hour)
		wg.Wait()
		holds(t, s, "k", "new")
	})
}

// What goes on with a key is forgotten when nothing does.
func TestNothingIsLeftOfCalls(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	for i := range 1000 {
		key := fmt.Sprint(i)
		r := save(t, s, key, store.Record{}, rec("data", time.Time{}))
		s.Load(t.Context(), key+"absent")
		s.Touch(t.Context(), key, r, time.Time{})
		s.Load(t.Context(), key)
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Nth: 1, Err: errors.New("away")})
		s.Load(t.Context(), key+"absent")
		s.Delete(t.Context(), key)
	}
	for i := range s.shards {
		if n := len(s.shards[i].busy); n > 0 {
			t.Errorf("%d keys are busy, want none", n)
		}
	}
}

// panicking is a store with a bug.
type panicking struct{ store.Store }

func (panicking) Load(context.Context, string) (store.Record, error) { panic("bug") }
func (panicking) Delete(context.Context, string) error               { panic("bug") }

func TestPanicOfTheStoreBehindLocksNothing(t *testing.T) {
	mem := memstore.New(memstore.Options{})
	s := cache(t, panicking{mem}, Options{StaleFor: time.Hour})
	defer s.Close()
	for range 2 {
		for _, call := range []func(){
			func() { s.Load(t.Context(), "k") },
			func() { s.Delete(t.Context(), "k") },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				call()
			}()
		}
	}
	save(t, s, "k", store.Record{}, rec("data", time.Time{}))
	holds(t, s, "k", "data")
}
