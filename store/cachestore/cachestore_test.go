package cachestore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{
		{"records stay", Options{StaleFor: 10_000 * time.Hour}},
		{"records go soon", Options{StaleFor: time.Nanosecond}},
		{"little memory", Options{StaleFor: time.Hour, MaxBytes: 2000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store {
				return cache(t, memstore.New(memstore.Options{}), c.o)
			}, storetest.Options{
				TooLarge:     memstore.DefaultMaxRecord + 1,
				CleansItself: true,
				Require:      []storetest.Capability{storetest.BatchLoader, storetest.BatchSaver, storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer},
			})
		})
	}
}

// cache returns a cache in front of inner.
func cache(t testing.TB, inner store.Store, o Options) *Store {
	t.Helper()
	s, err := New(inner, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// faulty returns a cache in front of a store that counts its calls. Both are
// closed when the test is over.
func faulty(t testing.TB, staleFor time.Duration) (*Store, *cloakroomtest.Faulty) {
	t.Helper()
	inner := cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
	s := cache(t, inner, Options{StaleFor: staleFor})
	t.Cleanup(func() { s.Close() })
	return s, inner
}

func rec(data string, expires time.Time) store.Record {
	return store.Record{Data: []byte(data), Expires: expires}
}

func save(t testing.TB, s store.Store, key string, prev, next store.Record) store.Record {
	t.Helper()
	r, err := s.Save(t.Context(), key, prev, next)
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	return r
}

// holds checks what Load returns; "" stands for no record.
func holds(t testing.TB, s store.Store, key, data string) store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), key)
	if data == "" && !errors.Is(err, store.ErrNotFound) || data != "" && err != nil || string(r.Data) != data {
		t.Fatalf("Load = %.40q, %v, want %.40q", r.Data, err, data)
	}
	return r
}

// loads checks how often the store behind was asked.
func loads(t testing.TB, inner *cloakroomtest.Faulty, want int) {
	t.Helper()
	if got := len(inner.Calls(cloakroomtest.OpLoad)); got != want {
		t.Errorf("the store behind was asked %d times, want %d", got, want)
	}
}

func TestSecondLoadAsksNobody(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	save(t, inner.Unwrap(), "k", store.Record{}, rec("data", time.Time{}))
	r := holds(t, s, "k", "data")
	if again := holds(t, s, "k", "data"); again.Token != r.Token || !again.Expires.Equal(r.Expires) {
		t.Errorf("second Load = %v, want %v", again, r)
	}
	loads(t, inner, 1)
	if got := s.Stats(); got.Hits != 1 || got.Misses != 1 || got.Bytes < 5 {
		t.Errorf("Stats = %+v, want 1 hit, 1 miss and some bytes", got)
	}
}

func TestSavedRecordIsKept(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	r := save(t, s, "k", store.Record{}, rec("data", time.Time{}))
	r = save(t, s, "k", holds(t, s, "k", "data"), rec("more", time.Time{}))
	if got := holds(t, s, "k", "more"); got.Token != r.Token {
		t.Errorf("Load has the token %d, Save said %d", got.Token, r.Token)
	}
	save(t, s, "k", r, store.Record{})
	loads(t, inner, 0)
	holds(t, s, "k", "")
}

func TestAbsentRecordsAreNotKept(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	holds(t, s, "k", "")
	save(t, inner.Unwrap(), "k", store.Record{}, rec("from elsewhere", time.Time{}))
	holds(t, s, "k", "from elsewhere")
}

func TestStaleForIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Minute)
		elsewhere := inner.Unwrap()
		r := save(t, elsewhere, "k", store.Record{}, rec("old", time.Time{}))
		// The record may be as old as the beginning of the load.
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Nth: 1, Delay: 20 * time.Second})
		holds(t, s, "k", "old")
		save(t, elsewhere, "k", r, rec("new", time.Time{}))
		time.Sleep(40*time.Second - 1)
		holds(t, s, "k", "old")
		time.Sleep(time.Nanosecond)
		r = holds(t, s, "k", "new")
		// So may a record that was saved.
		inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Delay: 20 * time.Second})
		save(t, s, "k", r, rec("newer", time.Time{}))
		if err := elsewhere.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(40*time.Second - 1)
		holds(t, s, "k", "newer")
		time.Sleep(time.Nanosecond)
		holds(t, s, "k", "")
	})
}

func TestExpiryIsCheckedOnEveryHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, inner := faulty(t, time.Hour)
		end := time.Now().Add(time.Minute)
		r := save(t, s, "k", store.Record{}, rec("data", end))
		time.Sleep(time.Until(end) - 1)
		holds(t, s, "k", "data")
		loads(t, inner, 0)
		if err := inner.Unwrap().Touch(t.Context(), "k", r, end.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Nanosecond)
		holds(t, s, "k", "data") // moved on elsewhere
		loads(t, inner, 1)
		time.Sleep(time.Minute)
		holds(t, s, "k", "")
	})
}

func TestConflictDropsTheRecord(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	stale := save(t, s, "k", store.Record{}, rec("stale", time.Time{}))
	save(t, inner.Unwrap(), "k", stale, rec("fresh", time.Time{}))
	holds(t, s, "k", "stale")
	if _, err := s.Save(t.Context(), "k", stale, rec("mine", time.Time{})); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("Save = %v, want ErrConflict", err)
	}
	save(t, s, "k", holds(t, s, "k", "fresh"), rec("mine", time.Time{}))
}

func TestSaveAllKeepsWhatItSaved(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	a := save(t, s, "a", store.Record{}, rec("old", time.Time{}))
	b := save(t, s, "b", store.Record{}, rec("old", time.Time{}))
	_, err := s.SaveAll(t.Context(), []store.Change{{Key: "a", Prev: a, Next: rec("new", time.Time{})}, {Key: "b", Prev: b}, {Key: "c", Next: rec("made", time.Time{})}})
	if err != nil {
		t.Fatalf("SaveAll = %v, want nil", err)
	}
	holds(t, s, "a", "new")
	holds(t, s, "c", "made")
	loads(t, inner, 0)
	holds(t, s, "b", "")
	loads(t, inner, 1)
}

func TestConflictOfSaveAllDropsTheRecords(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	a := save(t, s, "a", store.Record{}, rec("stale", time.Time{}))
	b := save(t, s, "b", store.Record{}, rec("stale", time.Time{}))
	save(t, inner.Unwrap(), "b", b, rec("fresh", time.Time{}))
	_, err := s.SaveAll(t.Context(), []store.Change{{Key: "a", Prev: a, Next: rec("mine", time.Time{})}, {Key: "b", Prev: b, Next: rec("mine", time.Time{})}})
	if !errors.Is(err, store.ErrConflict) {
		t.Fatalf("SaveAll = %v, want ErrConflict", err)
	}
	holds(t, s, "a", "stale")
	holds(t, s, "b", "fresh")
}

// A change whose answer was lost may have taken effect.
func TestFailedChangeDropsTheRecord(t *testing.T) {
	lost := errors.New("connection lost")
	for _, c := range []struct {
		op   cloakroomtest.Op
		call func(s *Store, r store.Record) error
		want string
	}{
		{cloakroomtest.OpSave, func(s *Store, r store.Record) error {
			_, err := s.Save(t.Context(), "k", r, rec("new", time.Time{}))
			return err
		}, "new"},
		{cloakroomtest.OpDelete, func(s *Store, r store.Record) error { return s.Delete(t.Context(), "k") }, ""},
		{cloakroomtest.OpSaveAll, func(s *Store, r store.Record) error {
			_, err := s.SaveAll(t.Context(), []store.Change{{Key: "l", Next: rec("other", time.Time{})}, {Key: "k", Prev: r, Next: rec("new", time.Time{})}})
			return err
		}, "new"},
	} {
		t.Run(string(c.op), func(t *testing.T) {
			s, inner := faulty(t, time.Hour)
			r := save(t, s, "k", store.Record{}, rec("old", time.Time{}))
			inner.Inject(cloakroomtest.Fault{Op: c.op, Err: lost, AnswerLost: true})
			if err := c.call(s, r); !errors.Is(err, lost) {
				t.Fatalf("error = %v, want %v", err, lost)
			}
			holds(t, s, "k", c.want)
		})
	}
}

func TestErrorsOfLoadAreNotKept(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	save(t, inner.Unwrap(), "k", store.Record{}, rec("data", time.Time{}))
	away := store.WithAdvice(errors.New("server is away"), "Start it.")
	inner.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpLoad, Err: away})
	for range 2 {
		if _, err := s.Load(t.Context(), "k"); !errors.Is(err, away) || store.Advice(err) != "Start it." {
			t.Errorf("Load = %v with advice %q, want the store's own error", err, store.Advice(err))
		}
	}
	loads(t, inner, 2)
	inner.Heal()
	holds(t, s, "k", "data")
}

// bare is a store with no capability at all.
type bare struct{ store.Store }

func TestCapabilitiesOfTheStoreBehind(t *testing.T) {
	s := cache(t, bare{memstore.New(memstore.Options{})}, Options{StaleFor: time.Hour})
	for _, err := range s.List(t.Context(), "") {
		if !errors.Is(err, store.ErrUnsupported) || !strings.Contains(err.Error(), "bare") {
			t.Errorf("List = %v, want ErrUnsupported that names the store", err)
		}
	}
	if _, err := s.DeleteExpired(t.Context(), 1); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("DeleteExpired = %v, want ErrUnsupported", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("Ping = %v, want ErrUnsupported", err)
	}
	if _, err := s.SaveAll(t.Context(), []store.Change{{Key: "k", Next: rec("data", time.Time{})}}); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("SaveAll = %v, want ErrUnsupported", err)
	}
	save(t, s, "k", store.Record{}, rec("data", time.Time{}))
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	// The store behind cannot be closed, but this one can.
	if _, err := s.Load(t.Context(), "k"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Load after Close = %v, want ErrClosed", err)
	}
}

func TestContextIsAskedOnHitsToo(t *testing.T) {
	s, inner := faulty(t, time.Hour)
	save(t, s, "k", store.Record{}, rec("data", time.Time{}))
	left := errors.New("visitor left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(left)
	if _, err := s.Load(ctx, "k"); !errors.Is(err, context.Canceled) || !errors.Is(err, left) {
		t.Errorf("Load = %v, want %v with its cause", err, context.Canceled)
	}
	loads(t, inner, 0)
}

func TestNewRefuses(t *testing.T) {
	inner := memstore.New(memstore.Options{})
	for _, c := range []struct {
		name  string
		inner store.Store
		o     Options
		want  string
	}{
		{"no bound", inner, Options{}, "StaleFor"},
		{"negative bound", inner, Options{StaleFor: -1}, "StaleFor"},
		{"negative memory", inner, Options{StaleFor: 1, MaxBytes: -1}, "MaxBytes"},
		{"no store", nil, Options{StaleFor: 1}, "no store"},
	} {
		if s, err := New(c.inner, c.o); err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: New = %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestHitAllocatesNothing(t *testing.T) {
	s, _ := faulty(t, time.Hour)
	save(t, s, "k", store.Record{}, rec("data", time.Now().Add(time.Hour)))
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.Load(ctx, "k"); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("a hit allocates %v times, want 0", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	inner := memstore.New(memstore.Options{})
	const most = 1 << 20
	s := cache(t, inner, Options{StaleFor: time.Hour, MaxBytes: most})
	defer s.Close()
	for i := range 10_000 {
		save(t, s, fmt.Sprint(i), store.Record{}, rec(strings.Repeat("x", 300), time.Time{}))
	}
	if got := s.Stats().Bytes; got > most || got < most/2 {
		t.Errorf("%d bytes are in memory, want nearly %d", got, most)
	}
	// Dropped from here is not gone.
	for i := range 100 {
		holds(t, s, fmt.Sprint(i), strings.Repeat("x", 300))
	}
}
