package probe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/internal/probe"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

var errBroken = errors.New("broken")

// recorder is a store that notes its calls and fails one of them.
type recorder struct {
	store.Store
	calls []string
	fail  string
	keys  map[string]bool
}

// at notes a call, and is its error. A step may be done although it fails.
func (s *recorder) at(call, key string) error {
	s.keys[key] = true
	for _, c := range s.calls {
		if c == call {
			call += " again"
		}
	}
	s.calls = append(s.calls, call)
	if s.fail == call {
		return store.WithAdvice(errors.Join(errBroken), "Mend it.")
	}
	return nil
}

func (s *recorder) Load(ctx context.Context, key string) (store.Record, error) {
	if err := s.at("load", key); err != nil {
		return store.Record{}, err
	}
	return s.Store.Load(ctx, key)
}

func (s *recorder) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	r, err := s.Store.Save(ctx, key, prev, next)
	if err := s.at("save", key); err != nil {
		return store.Record{}, err
	}
	return r, err
}

func (s *recorder) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	if err := s.at("touch", key); err != nil {
		return err
	}
	return s.Store.Touch(ctx, key, prev, expires)
}

func (s *recorder) Delete(ctx context.Context, key string) error {
	if err := s.at("delete", key); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key)
}

func records(t *testing.T, s *memstore.Store) (n int) {
	t.Helper()
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestPing(t *testing.T) {
	for fail, want := range map[string]struct {
		calls string
		left  int
	}{
		"":           {"save, load, save again, touch, delete", 0},
		"save":       {"save", 1}, // which was done all the same
		"load":       {"save, load, delete", 0},
		"save again": {"save, load, save again, delete", 0},
		"touch":      {"save, load, save again, touch, delete", 0},
		"delete":     {"save, load, save again, touch, delete", 1},
	} {
		t.Run(fail, func(t *testing.T) {
			inner := memstore.New(memstore.Options{})
			defer inner.Close()
			s := &recorder{Store: inner, fail: fail, keys: map[string]bool{}}
			err := probe.Ping(t.Context(), "somestore", s, probe.Key(), time.Now())
			if fail == "" && err != nil {
				t.Errorf("Ping = %v, want nil", err)
			}
			if fail != "" && (!errors.Is(err, errBroken) || err.Error() != "somestore: ping: broken" || store.Advice(err) != "Mend it.") {
				t.Errorf("Ping = %v (%s), want the error of the step", err, store.Advice(err))
			}
			if got := strings.Join(s.calls, ", "); got != want.calls {
				t.Errorf("calls: %s, want %s", got, want.calls)
			}
			if n := records(t, inner); n != want.left || len(s.keys) != 1 {
				t.Errorf("%d records are left of %d keys, want %d of 1", n, len(s.keys), want.left)
			}
			for key := range s.keys {
				if err := store.CheckKey(key); err != nil || !strings.HasPrefix(key, probe.Prefix) {
					t.Errorf("the key begins with %.20s, CheckKey = %v", key, err)
				}
			}
		})
	}
}

// An error names the package once.
func TestErrorOfAStep(t *testing.T) {
	s := memstore.New(memstore.Options{})
	s.Close()
	err := probe.Ping(t.Context(), "memstore", s, probe.Key(), time.Now())
	if !errors.Is(err, store.ErrClosed) || err.Error() != "memstore: ping: save: store is closed" {
		t.Errorf("Ping of a closed store = %v", err)
	}
}

// forgetful is a store that takes what it does not keep.
type forgetful struct{ store.Store }

func (forgetful) Load(context.Context, string) (store.Record, error) {
	return store.Record{}, store.ErrNotFound
}

// swapping is a store that has another record than was saved.
type swapping struct{ store.Store }

func (s swapping) Load(ctx context.Context, key string) (store.Record, error) {
	r, err := s.Store.Load(ctx, key)
	r.Data = []byte("other")
	return r, err
}

func TestStoreThatLosesOrChanges(t *testing.T) {
	s := memstore.New(memstore.Options{})
	defer s.Close()
	err := probe.Ping(t.Context(), "somestore", forgetful{s}, probe.Key(), time.Now())
	if err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(store.Advice(err), "clocks") {
		t.Errorf("Ping of a store that keeps nothing = %v (%s), want an error with advice that is not ErrNotFound", err, store.Advice(err))
	}
	if err := probe.Ping(t.Context(), "somestore", swapping{s}, probe.Key(), time.Now()); err == nil {
		t.Error("Ping of a store that changes records = nil")
	}
}

// A record that could not be deleted goes by itself.
func TestWhatIsLeftExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memstore.New(memstore.Options{})
		defer inner.Close()
		ctx, cancel := context.WithCancel(t.Context())
		s := &recorder{Store: inner, keys: map[string]bool{}}
		if err := probe.Ping(ctx, "somestore", endsAt{s, cancel}, probe.Key(), time.Now()); !errors.Is(err, context.Canceled) {
			t.Errorf("Ping = %v, want %v", err, context.Canceled)
		}
		if n := records(t, inner); n != 1 {
			t.Fatalf("%d records are left, want 1", n)
		}
		time.Sleep(probe.Life + time.Minute)
		if n := records(t, inner); n != 0 {
			t.Errorf("%d records are left after %v, want 0", n, probe.Life)
		}
	})
}

// endsAt is a store during whose Touch the context ends.
type endsAt struct {
	store.Store
	cancel func()
}

func (s endsAt) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	err := s.Store.Touch(ctx, key, prev, expires)
	s.cancel()
	return err
}
