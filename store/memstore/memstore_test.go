package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// all is every capability.
var all = []storetest.Capability{storetest.BatchLoader, storetest.BatchSaver, storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name     string
		o        memstore.Options
		tooLarge int
	}{
		{"defaults", memstore.Options{}, memstore.DefaultMaxRecord + 1},
		{"limits", memstore.Options{MaxBytes: 1 << 30, MaxRecord: 1 << 20}, 1<<20 + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Run(t, func(*testing.T) store.Store { return memstore.New(c.o) },
				storetest.Options{TooLarge: c.tooLarge, CleansItself: true, Require: all})
		})
	}
}

// create saves a new record.
func create(t testing.TB, s store.Store, key, data string, expires time.Time) store.Record {
	t.Helper()
	r, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte(data), Expires: expires})
	if err != nil {
		t.Fatalf("Save = %v, want nil", err)
	}
	return r
}

func TestMaxRecordIsKept(t *testing.T) {
	s := memstore.New(memstore.Options{MaxRecord: 10})
	defer s.Close()
	r := create(t, s, "k", "0123456789", time.Time{})
	_, err := s.Save(t.Context(), "k", r, store.Record{Data: []byte("0123456789a")})
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("Save = %v, want ErrTooLarge", err)
	}
}

// fill creates records with keys 0, 1, … until the store is full.
func fill(t *testing.T, s store.Store, expires time.Time) (n int) {
	t.Helper()
	for ; ; n++ {
		_, err := s.Save(t.Context(), fmt.Sprint(n), store.Record{}, store.Record{Data: make([]byte, 100), Expires: expires})
		if errors.Is(err, memstore.ErrFull) {
			return n
		}
		if err != nil || n > 1000 {
			t.Fatalf("Save number %d = %v, want nil or ErrFull", n, err)
		}
	}
}

func TestFullStoreKeepsWhatItHas(t *testing.T) {
	s := memstore.New(memstore.Options{MaxBytes: 10_000})
	defer s.Close()
	n := fill(t, s, time.Time{})
	if want := 10_000 / (100 + 72 + 2); n < want-2 || n > want+2 {
		t.Errorf("%d records fit, want about %d", n, want)
	}
	for i := range n {
		r, err := s.Load(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatalf("Load = %v, want the record", err)
		}
		if _, err = s.Save(t.Context(), fmt.Sprint(i), r, store.Record{Data: make([]byte, 100)}); err != nil {
			t.Fatalf("Save of the same size = %v, want nil", err)
		}
	}
	r, _ := s.Load(t.Context(), "0")
	_, err := s.Save(t.Context(), "0", r, store.Record{Data: make([]byte, 5000)})
	if !errors.Is(err, memstore.ErrFull) || store.Advice(err) == "" {
		t.Errorf("Save of a larger record = %v with advice %q, want ErrFull with advice", err, store.Advice(err))
	}
	if _, err := s.Save(t.Context(), "0", r, store.Record{Data: []byte("small")}); err != nil {
		t.Errorf("Save of a smaller record = %v, want nil", err)
	}
	if err := s.Delete(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	create(t, s, "new", strings.Repeat("x", 100), time.Time{})
}

func TestFullStoreMakesRoomFromExpiredRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{MaxBytes: 10_000})
		defer s.Close()
		fill(t, s, time.Now().Add(2*time.Second))
		time.Sleep(2 * time.Second)
		create(t, s, "new", strings.Repeat("x", 100), time.Time{})
	})
}

func TestContextCauseIsInTheError(t *testing.T) {
	s := memstore.New(memstore.Options{})
	defer s.Close()
	cause := errors.New("visitor left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := s.Load(ctx, "k")
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
		t.Errorf("Load = %v, want the cause and %v", err, context.Canceled)
	}
}

func TestErrorsMatchTheStandardLibrary(t *testing.T) {
	s := memstore.New(memstore.Options{})
	if _, err := s.Load(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing = %v, want fs.ErrNotExist", err)
	}
	s.Close()
	if _, err := s.Load(t.Context(), "k"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Load after Close = %v, want fs.ErrClosed", err)
	}
}

func TestAllocations(t *testing.T) {
	s := memstore.New(memstore.Options{})
	defer s.Close()
	ctx := t.Context()
	far := time.Now().Add(time.Hour)
	data := make([]byte, 90)
	r := create(t, s, "there", "data", far)
	for _, c := range []struct {
		name string
		want float64
		f    func()
	}{
		{"Load", 0, func() { _, _ = s.Load(ctx, "there") }},
		{"Load of nothing", 0, func() { _, _ = s.Load(ctx, "absent") }},
		{"Touch", 0, func() { _ = s.Touch(ctx, "there", r, far) }},
		{"Delete of nothing", 0, func() { _ = s.Delete(ctx, "absent") }},
		{"Save", 1, func() { r, _ = s.Save(ctx, "there", r, store.Record{Data: data, Expires: far}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(100, c.f); got > c.want {
				t.Errorf("%v allocations, want %v", got, c.want)
			}
		})
	}
}
