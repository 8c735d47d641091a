package cachestore_test

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/contend"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/cachestore"
	"github.com/cloakroom/cloakroom/store/redisstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

var redis = testserver.Shared{Server: testserver.Redis()}

func TestMain(m *testing.M) {
	contend.Child(func(ctx context.Context, text string) (store.Store, error) {
		u, err := url.Parse(text)
		if err != nil {
			return nil, err
		}
		s, err := redisstore.Open(ctx, u)
		if err != nil {
			return nil, err
		}
		return cachestore.New(s, cachestore.Options{StaleFor: time.Hour})
	})
	// The tests wait for records to expire more than they compute.
	flag.Parse()
	flag.Set("test.parallel", "64")
	testserver.Main(m, &redis)
}

// open returns a store on a server.
func open(t *testing.T, p *testserver.Process) store.Store {
	t.Helper()
	u, err := url.Parse("redis://" + p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s, err := redisstore.Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cached returns a cache in front of a store on a server, like one process of
// a service.
func cached(t *testing.T, p *testserver.Process, staleFor time.Duration) *cachestore.Store {
	t.Helper()
	s, err := cachestore.New(open(t, p), cachestore.Options{StaleFor: staleFor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func suite() storetest.Options {
	return storetest.Options{
		RealTime:     true,
		Precision:    time.Second, // machines for tests are slow
		TooLarge:     redisstore.DefaultMaxRecord + 1,
		ComparesData: true,
		Require:      []storetest.Capability{storetest.BatchLoader, storetest.Lister, storetest.Pinger, storetest.Closer},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	p := redis.Get(t)
	storetest.Run(t, func(t *testing.T) store.Store { return cached(t, p, time.Hour) }, suite())
}

// A cache that does not answer from memory when the server does not answer.
func TestConformanceOfACacheThatIsAlwaysStale(t *testing.T) {
	t.Parallel()
	p := testserver.Start(t, testserver.Redis())
	o := suite()
	o.Stall = func(t *testing.T) func() { p.Pause(t); return func() { p.Resume(t) } }
	storetest.Run(t, func(t *testing.T) store.Store { return cached(t, p, time.Nanosecond) }, o)
}

// A process sees its own revocations at once, and those of others within the
// bound.
func TestRevocation(t *testing.T) {
	p := redis.Get(t)
	const staleFor = 300 * time.Millisecond
	here, there := cached(t, p, staleFor), cached(t, p, staleFor)
	ctx := t.Context()
	key := "revocation"
	if _, err := here.Save(ctx, key, store.Record{}, store.Record{Data: []byte("data"), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	old, err := there.Load(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := here.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	if _, err := here.Load(ctx, key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load where it was deleted = %v, want ErrNotFound", err)
	}
	for {
		begin := time.Now()
		_, err := there.Load(ctx, key)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if begin.Sub(deleted) > staleFor {
			t.Fatalf("Load elsewhere, %v after the deletion, = %v, want ErrNotFound", begin.Sub(deleted), err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	// However stale a cache is, it brings nothing back.
	if _, err := there.Save(ctx, key, old, old); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save of the deleted record = %v, want ErrConflict", err)
	}
}

// The 64 writers of a session, in two processes with a cache each and one
// without, lose nothing.
func TestCachesLoseNoWrite(t *testing.T) {
	p := redis.Get(t)
	stores := []store.Store{cached(t, p, time.Hour), cached(t, p, time.Hour), open(t, p)}
	t.Cleanup(func() { store.Close(stores[2]) })
	key := "counter"
	if _, err := stores[0].Save(t.Context(), key, store.Record{}, store.Record{Data: nothing}); err != nil {
		t.Fatal(err)
	}
	const writers, each = 64, 5
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range each {
				if err := lengthen(t.Context(), stores[i%len(stores)], key); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	r, err := stores[2].Load(t.Context(), key)
	if err != nil || len(r.Data) != writers*each {
		t.Errorf("%d changes are left, %v, want %d", len(r.Data), err, writers*each)
	}
}

// The same and a delete, in one process, and in two with a cache each. What
// these have done is looked at without one.
func TestWritersContend(t *testing.T) {
	p := redis.Get(t)
	contend.Here(t, cached(t, p, time.Hour))
	plain := open(t, p)
	defer store.Close(plain)
	contend.Elsewhere(t, plain, "redis://"+p.Addr())
}

var nothing = []byte{}

// lengthen adds a byte to a record, as often as it takes.
func lengthen(ctx context.Context, s store.Store, key string) error {
	for {
		r, err := s.Load(ctx, key)
		if err != nil {
			return err
		}
		_, err = s.Save(ctx, key, r, store.Record{Data: append(r.Data[:len(r.Data):len(r.Data)], 'x')})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
