package cloakroomtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// An Op is a method of a store or of one of its capabilities.
type Op string

// The methods that [Faulty] notes and disturbs.
const (
	OpLoad    Op = "Load"
	OpLoadAll Op = "LoadAll"
	OpSave    Op = "Save"
	OpSaveAll Op = "SaveAll"
	OpTouch   Op = "Touch"
	OpDelete  Op = "Delete"
	OpList    Op = "List"
	OpClean   Op = "DeleteExpired"
	OpPing    Op = "Ping"
)

// covers reports whether a fault of o is for calls of op.
func (o Op) covers(op Op) bool {
	switch op {
	case OpLoadAll:
		return o == "" || o == op || o == OpLoad
	case OpSaveAll:
		return o == "" || o == op || o == OpSave
	}
	return o == "" || o == op
}

// A Fault says what goes wrong with which calls of a store. What is set
// happens in the order of the fields. The zero Fault is none.
//
//	Fault{Err: err}                                 // the store is down
//	Fault{Op: OpSave, Nth: 1, Err: err}             // the next Save fails
//	Fault{Op: OpLoad, Hang: true}                   // Loads do not answer
//	Fault{Op: OpSave, Times: 3, Before: others}     // others come first, three times
//	Fault{Op: OpSave, Err: store.ErrConflict}       // others do so for ever
//	Fault{Op: OpDelete, Nth: 1, AnswerLost: true}   // done, but nobody knows
type Fault struct {
	// Op is the method that is disturbed. Empty means every method. OpLoad stands for
	// LoadAll, too, and OpSave for SaveAll: which of the two a session calls depends
	// on what the store can do.
	Op Op

	// Nth is the first call that is disturbed, of those that Op names, from
	// the Inject on: 1 is the next. Zero means the next, too, but with Times
	// zero every call.
	Nth int

	// Times is how many calls in a row are disturbed. Zero means one if Nth is
	// set, else every call.
	Times int

	// Before is called first, in the caller's goroutine. It may use the store
	// inside, to be somebody else who comes first.
	Before func()

	// Delay passes before the call goes on. A context that ends meanwhile
	// ends the call.
	Delay time.Duration

	// Hang holds the call until its context is done, and answers with the
	// context's error. The store inside is not called.
	Hang bool

	// Err is what the call answers with, instead of asking the store inside.
	Err error

	// AnswerLost makes the failure come after the call took effect, as when a
	// server disappears before its answer arrives. It needs no Err.
	AnswerLost bool
}

// A Call is one call of a store.
type Call struct {
	Op Op
	// Key is that of the record, those of a LoadAll or a SaveAll with a space in
	// between, or the prefix of a List. It is empty where there is none.
	Key string
}

// Faulty is a store that fails when it is told to, and notes its calls. It has
// every capability; one that the store inside lacks is answered with
// [store.ErrUnsupported], and not noted. Its methods may be called concurrently.
type Faulty struct {
	inner store.Store

	mu     sync.Mutex
	calls  []Call
	faults []*injected
}

// injected is a fault and how many calls it has seen.
type injected struct {
	Fault
	seen int
}

var (
	_ store.Store       = (*Faulty)(nil)
	_ store.BatchLoader = (*Faulty)(nil)
	_ store.BatchSaver  = (*Faulty)(nil)
	_ store.Lister      = (*Faulty)(nil)
	_ store.Cleaner     = (*Faulty)(nil)
	_ store.Pinger      = (*Faulty)(nil)
)

// NewFaulty returns a store that passes every call on to inner, until faults
// are injected.
func NewFaulty(inner store.Store) *Faulty {
	return &Faulty{inner: inner}
}

// Unwrap returns the store inside.
func (f *Faulty) Unwrap() store.Store { return f.inner }

// Inject adds a fault. Several that apply to one call do so in the order in
// which they were injected, up to the first that answers. It panics on an
// operation that there is not, which would disturb nothing.
func (f *Faulty) Inject(fault Fault) {
	switch fault.Op {
	case "", OpLoad, OpLoadAll, OpSave, OpSaveAll, OpTouch, OpDelete, OpList, OpClean, OpPing:
	default:
		panic(fmt.Sprintf("cloakroomtest: Inject: a store has no operation %q", fault.Op))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &injected{Fault: fault})
}

// Heal removes all faults.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Calls returns the calls of some methods, of all if none is named, in their
// order, failed ones included.
func (f *Faulty) Calls(ops ...Op) []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	var calls []Call
	for _, c := range f.calls {
		if len(ops) == 0 || slices.Contains(ops, c.Op) {
			calls = append(calls, c)
		}
	}
	return calls
}

// ForgetCalls makes Calls begin anew.
func (f *Faulty) ForgetCalls() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = nil
}

// due notes a call and returns the faults that apply to it.
func (f *Faulty) due(op Op, key string) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, Call{op, key})
	var due []Fault
	for _, in := range f.faults {
		if in.Op.covers(op) && in.applies() {
			due = append(due, in.Fault)
		}
	}
	return due
}

// applies counts a call and reports whether the fault is for it.
func (in *injected) applies() bool {
	in.seen++
	if in.Nth == 0 && in.Times == 0 {
		return true
	}
	first := max(in.Nth, 1)
	return in.seen >= first && in.seen < first+max(in.Times, 1)
}

var errAnswerLost = errors.New("the answer was lost")

// do makes one call under the faults that are due.
func (f *Faulty) do(ctx context.Context, op Op, key string, call func() error) error {
	var lost error
	for _, fault := range f.due(op, key) {
		if fault.Before != nil {
			fault.Before()
		}
		err := wait(ctx, fault)
		if err == nil && !fault.AnswerLost {
			err = fault.Err
		}
		if err != nil {
			return fmt.Errorf("faulty: %s: %w", op, err)
		}
		if fault.AnswerLost && lost == nil {
			if lost = fault.Err; lost == nil {
				lost = errAnswerLost
			}
		}
	}
	err := call()
	if lost != nil {
		return fmt.Errorf("faulty: %s: %w", op, lost)
	}
	return err
}

// wait waits as a fault demands.
func wait(ctx context.Context, fault Fault) error {
	if fault.Hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fault.Delay <= 0 {
		return nil
	}
	timer := time.NewTimer(fault.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Load calls the store inside, unless a fault prevents it.
func (f *Faulty) Load(ctx context.Context, key string) (r store.Record, err error) {
	err = f.do(ctx, OpLoad, key, func() error {
		r, err = f.inner.Load(ctx, key)
		return err
	})
	return only(r, err)
}

// LoadAll calls the store inside, unless a fault prevents it. It is one call.
func (f *Faulty) LoadAll(ctx context.Context, keys []string) (records []store.Record, err error) {
	b, ok := f.inner.(store.BatchLoader)
	if !ok {
		return nil, f.lacks("load many records at once")
	}
	err = f.do(ctx, OpLoadAll, strings.Join(keys, " "), func() error {
		records, err = b.LoadAll(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// Save calls the store inside, unless a fault prevents it.
func (f *Faulty) Save(ctx context.Context, key string, prev, next store.Record) (r store.Record, err error) {
	err = f.do(ctx, OpSave, key, func() error {
		r, err = f.inner.Save(ctx, key, prev, next)
		return err
	})
	return only(r, err)
}

// SaveAll calls the store inside, unless a fault prevents it. It is one call.
func (f *Faulty) SaveAll(ctx context.Context, changes []store.Change) (records []store.Record, err error) {
	b, ok := f.inner.(store.BatchSaver)
	if !ok {
		return nil, f.lacks("save several records at once")
	}
	keys := make([]string, len(changes))
	for i, c := range changes {
		keys[i] = c.Key
	}
	err = f.do(ctx, OpSaveAll, strings.Join(keys, " "), func() error {
		records, err = b.SaveAll(ctx, changes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// only returns the record if there is no error.
func only(r store.Record, err error) (store.Record, error) {
	if err != nil {
		return store.Record{}, err
	}
	return r, nil
}

// Touch calls the store inside, unless a fault prevents it.
func (f *Faulty) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	return f.do(ctx, OpTouch, key, func() error { return f.inner.Touch(ctx, key, prev, expires) })
}

// Delete calls the store inside, unless a fault prevents it.
func (f *Faulty) Delete(ctx context.Context, key string) error {
	return f.do(ctx, OpDelete, key, func() error { return f.inner.Delete(ctx, key) })
}

// List walks over the store inside. A fault comes before the first record, or
// after the last one if it says AnswerLost.
func (f *Faulty) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		l, ok := f.inner.(store.Lister)
		if !ok {
			yield(store.Entry{}, f.lacks("list"))
			return
		}
		stopped := false
		err := f.do(ctx, OpList, prefix, func() error {
			for e, err := range l.List(ctx, prefix) {
				if err != nil {
					return err
				}
				if stopped = !yield(e, nil); stopped {
					break
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(store.Entry{}, err)
		}
	}
}

// DeleteExpired calls the store inside, unless a fault prevents it.
func (f *Faulty) DeleteExpired(ctx context.Context, limit int) (n int, err error) {
	c, ok := f.inner.(store.Cleaner)
	if !ok {
		return 0, f.lacks("clean up")
	}
	err = f.do(ctx, OpClean, "", func() error {
		n, err = c.DeleteExpired(ctx, limit)
		return err
	})
	return n, err
}

// Ping calls the store inside, unless a fault prevents it.
func (f *Faulty) Ping(ctx context.Context) error {
	p, ok := f.inner.(store.Pinger)
	if !ok {
		return f.lacks("ping")
	}
	return f.do(ctx, OpPing, "", func() error { return p.Ping(ctx) })
}

// Close closes the store inside. No fault applies.
func (f *Faulty) Close() error { return store.Close(f.inner) }

// lacks is the answer for a capability that the store inside has not got.
func (f *Faulty) lacks(can string) error {
	return fmt.Errorf("%T cannot %s: %w", f.inner, can, store.ErrUnsupported)
}
