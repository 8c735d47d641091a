package storetest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

var errBroken = errors.New("wire cut")

// A Faulty without faults is a store like the one inside.
func TestFaultyWithoutFaultsPasses(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return NewFaulty(newPlain()) },
		Options{TooLarge: 1<<20 + 1, Require: every})
}

func TestFaultyFailsBeforeOrAfterTheEffect(t *testing.T) {
	for _, c := range []struct {
		name  string
		after bool
		left  bool
	}{
		{"before", false, false},
		{"after", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := NewFaulty(newPlain())
			f.Inject(OpSave, Fault{Err: errBroken, After: c.after})
			r, err := f.Save(t.Context(), "k", store.Record{}, record("data", time.Time{}))
			if !errors.Is(err, errBroken) || r.Exists() {
				t.Errorf("Save = %v, %v, want no record and the injected error", r, err)
			}
			_, err = f.Load(t.Context(), "k")
			if left := err == nil; left != c.left {
				t.Errorf("record is there: %v, want %v", left, c.left)
			}
		})
	}
}

func TestFaultyPicksTheNthCall(t *testing.T) {
	f := NewFaulty(newPlain())
	_ = f.Delete(t.Context(), "k") // before the injection, so it does not count
	f.Inject(OpDelete, Fault{Nth: 2, Err: errBroken})
	for i, want := range []error{nil, errBroken, nil} {
		if err := f.Delete(t.Context(), "k"); !errors.Is(err, want) {
			t.Errorf("call %d = %v, want %v", i+1, err, want)
		}
	}
}

func TestFaultyCounts(t *testing.T) {
	f := NewFaulty(newPlain())
	f.Inject(OpLoad, Fault{Nth: 1, Err: errBroken})
	_, _ = f.Load(t.Context(), "k")
	_, _ = f.Load(t.Context(), "k")
	_ = f.Ping(t.Context())
	if n := f.Calls(OpLoad); n != 2 {
		t.Errorf("Calls(OpLoad) = %d, want 2", n)
	}
	if n := f.AllCalls(); n != 3 {
		t.Errorf("AllCalls = %d, want 3", n)
	}
	f.ResetCalls()
	if n := f.AllCalls(); n != 0 {
		t.Errorf("AllCalls after ResetCalls = %d, want 0", n)
	}
}

func TestFaultyBlocksUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaulty(newPlain())
		f.Inject(OpTouch, Fault{Block: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := f.Touch(ctx, "k", store.Record{}, time.Time{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Touch = %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("Touch took %v, want 1m0s", took)
		}
	})
}

func TestFaultyDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaulty(newPlain())
		f.Inject(OpPing, Fault{Delay: time.Second})
		begin := time.Now()
		if err := f.Ping(t.Context()); err != nil {
			t.Errorf("Ping = %v, want nil", err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("Ping took %v, want 1s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := f.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ping = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestFaultyHookComesInBetween(t *testing.T) {
	inner := newPlain()
	f := NewFaulty(inner)
	r, err := f.Save(t.Context(), "k", store.Record{}, record("data", time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	f.Inject(OpSave, Fault{Nth: 1, Hook: func() { _ = inner.Delete(t.Context(), "k") }})
	if _, err := f.Save(t.Context(), "k", r, record("more", time.Time{})); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict", err)
	}
}

func TestFaultyHeals(t *testing.T) {
	f := NewFaulty(newPlain())
	f.Inject(OpPing, Fault{Err: errBroken})
	if err := f.Ping(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Ping = %v, want the injected error", err)
	}
	f.Heal()
	if err := f.Ping(t.Context()); err != nil {
		t.Errorf("Ping after Heal = %v, want nil", err)
	}
}

func TestFaultyListFailsAtEitherEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		after bool
		want  int
	}{
		{"first", false, 0},
		{"last", true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := NewFaulty(newPlain())
			for _, key := range []string{"a", "b"} {
				if _, err := f.Save(t.Context(), key, store.Record{}, record("data", time.Time{})); err != nil {
					t.Fatal(err)
				}
			}
			f.Inject(OpList, Fault{Err: errBroken, After: c.after})
			n, last := 0, error(nil)
			for _, err := range f.List(t.Context(), "") {
				if last = err; err == nil {
					n++
				}
			}
			if n != c.want || !errors.Is(last, errBroken) {
				t.Errorf("List yields %d records and %v, want %d and the injected error", n, last, c.want)
			}
		})
	}
}

func TestFaultyLacksWhatTheStoreInsideLacks(t *testing.T) {
	f := NewFaulty(struct{ store.Store }{newPlain()})
	if err := f.Ping(t.Context()); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("Ping = %v, want ErrUnsupported", err)
	}
	if _, err := f.DeleteExpired(t.Context(), 1); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("DeleteExpired = %v, want ErrUnsupported", err)
	}
	for _, err := range f.List(t.Context(), "") {
		if !errors.Is(err, store.ErrUnsupported) {
			t.Errorf("List = %v, want ErrUnsupported", err)
		}
	}
}
