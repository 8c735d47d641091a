package cloakroomtest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/cloakroomtest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
	"github.com/cloakroom/cloakroom/store/storetest"
)

var errBroken = errors.New("wire cut")

// A Faulty without faults is a store like the one inside.
func TestFaultyWithoutFaultsPasses(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return faulty() }, storetest.Options{
		TooLarge:     memstore.DefaultMaxRecord + 1,
		CleansItself: true,
		Require:      []storetest.Capability{storetest.BatchLoader, storetest.BatchSaver, storetest.Lister, storetest.Cleaner, storetest.Pinger, storetest.Closer},
	})
}

func faulty() *cloakroomtest.Faulty {
	return cloakroomtest.NewFaulty(memstore.New(memstore.Options{}))
}

func record(data string) store.Record { return store.Record{Data: []byte(data)} }

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
			f := faulty()
			f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errBroken, AnswerLost: c.after})
			r, err := f.Save(t.Context(), "k", store.Record{}, record("data"))
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

func TestFaultyPicksItsCalls(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault cloakroomtest.Fault
		want  string // of six calls, x for those that fail
	}{
		{"every", cloakroomtest.Fault{}, "xxxxxx"},
		{"the next", cloakroomtest.Fault{Nth: 1}, "x....."},
		{"the third", cloakroomtest.Fault{Nth: 3}, "..x..."},
		{"the next two", cloakroomtest.Fault{Times: 2}, "xx...."},
		{"three from the second on", cloakroomtest.Fault{Nth: 2, Times: 3}, ".xxx.."},
		{"of another method", cloakroomtest.Fault{Op: cloakroomtest.OpPing}, "......"},
		{"the third of this method", cloakroomtest.Fault{Op: cloakroomtest.OpDelete, Nth: 3}, "..x..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := faulty()
			_ = f.Delete(t.Context(), "k") // before the Inject, so it does not count
			c.fault.Err = errBroken
			f.Inject(c.fault)
			got := ""
			for range c.want {
				if err := f.Delete(t.Context(), "k"); errors.Is(err, errBroken) {
					got += "x"
				} else {
					got += "."
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestFaultyNotesCalls(t *testing.T) {
	f := faulty()
	f.Inject(cloakroomtest.Fault{Nth: 1, Err: errBroken})
	_, _ = f.Load(t.Context(), "a")
	_, _ = f.Load(t.Context(), "b")
	_, _ = f.LoadAll(t.Context(), []string{"b", "a", "b"})
	_, _ = f.SaveAll(t.Context(), []store.Change{{Key: "b"}, {Key: "a"}})
	_ = f.Ping(t.Context())
	want := []cloakroomtest.Call{{cloakroomtest.OpLoad, "a"}, {cloakroomtest.OpLoad, "b"},
		{cloakroomtest.OpLoadAll, "b a b"}, {cloakroomtest.OpSaveAll, "b a"}, {cloakroomtest.OpPing, ""}}
	if got := f.Calls(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := f.Calls(cloakroomtest.OpLoad, cloakroomtest.OpSave); !slices.Equal(got, want[:2]) {
		t.Errorf("loads and saves: got %v, want %v", got, want[:2])
	}
	f.ForgetCalls()
	if got := f.Calls(); len(got) != 0 {
		t.Errorf("after ForgetCalls: got %v, want none", got)
	}
}

func TestFaultyLosesAnswers(t *testing.T) {
	f := faulty()
	f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, AnswerLost: true})
	if r, err := f.Save(t.Context(), "k", store.Record{}, record("data")); err == nil || r.Exists() {
		t.Errorf("Save = %v, %v, want an error alone", r, err)
	}
	if _, err := f.Load(t.Context(), "k"); err != nil {
		t.Errorf("Load = %v, want the record", err)
	}
}

func TestFaultyHangsUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := faulty()
		f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpTouch, Hang: true})
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
		f := faulty()
		f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpPing, Delay: time.Second})
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

func TestFaultySomebodyComesInBetween(t *testing.T) {
	f := faulty()
	r, err := f.Save(t.Context(), "k", store.Record{}, record("data"))
	if err != nil {
		t.Fatal(err)
	}
	f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSave, Nth: 1, Before: func() { _ = f.Unwrap().Delete(t.Context(), "k") }})
	if _, err := f.Save(t.Context(), "k", r, record("more")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict", err)
	}
}

func TestFaultyLoadAllFailsAsAWhole(t *testing.T) {
	f := faulty()
	for _, key := range []string{"a", "b"} {
		if _, err := f.Save(t.Context(), key, store.Record{}, record("data")); err != nil {
			t.Fatal(err)
		}
	}
	for _, fault := range []cloakroomtest.Fault{{Err: errBroken}, {Err: errBroken, AnswerLost: true}} {
		fault.Op, fault.Nth = cloakroomtest.OpLoadAll, 1
		f.Inject(fault)
		if records, err := f.LoadAll(t.Context(), []string{"a", "b"}); !errors.Is(err, errBroken) || records != nil {
			t.Errorf("LoadAll = %v, %v, want the injected error alone", records, err)
		}
		if records, err := f.LoadAll(t.Context(), []string{"b", "a"}); err != nil || len(records) != 2 || !records[1].Exists() {
			t.Errorf("LoadAll = %v, %v, want two records", records, err)
		}
	}
}

func TestFaultySaveAllFailsAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault cloakroomtest.Fault
		left  bool
	}{
		{"before", cloakroomtest.Fault{Op: cloakroomtest.OpSaveAll, Err: errBroken}, false},
		{"before, as a save", cloakroomtest.Fault{Op: cloakroomtest.OpSave, Err: errBroken}, false},
		{"after", cloakroomtest.Fault{Op: cloakroomtest.OpSaveAll, Err: errBroken, AnswerLost: true}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := faulty()
			c.fault.Nth = 1
			f.Inject(c.fault)
			changes := []store.Change{{Key: "a", Next: record("data")}, {Key: "b", Next: record("data")}}
			if records, err := f.SaveAll(t.Context(), changes); !errors.Is(err, errBroken) || records != nil {
				t.Errorf("SaveAll = %v, %v, want the injected error alone", records, err)
			}
			for _, change := range changes {
				if _, err := f.Load(t.Context(), change.Key); (err == nil) != c.left {
					t.Errorf("Load = %v, want the record: %v", err, c.left)
				}
			}
			want := store.ErrConflict
			if !c.left {
				want = nil
			}
			if _, err := f.SaveAll(t.Context(), changes); !errors.Is(err, want) {
				t.Errorf("SaveAll again = %v, want %v", err, want)
			}
		})
	}
}

func TestFaultySomebodyComesBeforeSaveAll(t *testing.T) {
	f := faulty()
	f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpSaveAll, Nth: 1, Before: func() {
		if _, err := f.Unwrap().Save(t.Context(), "b", store.Record{}, record("theirs")); err != nil {
			t.Error(err)
		}
	}})
	_, err := f.SaveAll(t.Context(), []store.Change{{Key: "a", Next: record("data")}, {Key: "b", Next: record("data")}})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("SaveAll = %v, want ErrConflict", err)
	}
	if _, err := f.Load(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load = %v, want ErrNotFound", err)
	}
}

func TestFaultyHeals(t *testing.T) {
	f := faulty()
	f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpPing, Err: errBroken})
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
			f := faulty()
			for _, key := range []string{"a", "b"} {
				if _, err := f.Save(t.Context(), key, store.Record{}, record("data")); err != nil {
					t.Fatal(err)
				}
			}
			f.Inject(cloakroomtest.Fault{Op: cloakroomtest.OpList, Err: errBroken, AnswerLost: c.after})
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
	f := cloakroomtest.NewFaulty(struct{ store.Store }{memstore.New(memstore.Options{})})
	if err := f.Ping(t.Context()); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("Ping = %v, want ErrUnsupported", err)
	}
	if _, err := f.DeleteExpired(t.Context(), 1); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("DeleteExpired = %v, want ErrUnsupported", err)
	}
	if _, err := f.LoadAll(t.Context(), nil); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("LoadAll = %v, want ErrUnsupported", err)
	}
	if _, err := f.SaveAll(t.Context(), nil); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("SaveAll = %v, want ErrUnsupported", err)
	}
	for _, err := range f.List(t.Context(), "") {
		if !errors.Is(err, store.ErrUnsupported) {
			t.Errorf("List = %v, want ErrUnsupported", err)
		}
	}
}

func TestFaultOfNoOperationPanics(t *testing.T) {
	panics(t, "a misspelt operation", `no operation "load"`, func() {
		cloakroomtest.NewFaulty(memstore.New(memstore.Options{})).Inject(cloakroomtest.Fault{Op: "load"})
	})
}
