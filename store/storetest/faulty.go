package storetest

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// An Op is a method of a store, as [Faulty] counts and disturbs it.
type Op string

// The methods of a store and its capabilities.
const (
	OpLoad   Op = "Load"
	OpSave   Op = "Save"
	OpTouch  Op = "Touch"
	OpDelete Op = "Delete"
	OpList   Op = "List"
	OpClean  Op = "DeleteExpired"
	OpPing   Op = "Ping"
)

// A Fault says what goes wrong with a call. The parts that are set happen in
// the order of the fields.
type Fault struct {
	// Nth is the one call that the fault is for, counted for its operation
	// from the Inject on: 1 is the next. Zero means every call.
	Nth int

	// Hook is called first, in the caller's goroutine. It may use the store
	// that Faulty wraps, and be somebody else who comes in between.
	Hook func()

	// Delay passes before the call goes on. A context that ends meanwhile
	// ends the call.
	Delay time.Duration

	// Block holds the call until its context is done, and answers with the
	// context's error; the store is not called.
	Block bool

	// Err is what the call answers with, instead of asking the store.
	Err error

	// After makes Err come after the call took effect, as when a server
	// disappears before its answer arrives.
	After bool
}

// Faulty is a store that fails on command, and counts how often it is called.
// It has every capability; one that the store inside lacks is answered with
// [store.ErrUnsupported]. Its methods may be called concurrently.
type Faulty struct {
	inner store.Store

	mu     sync.Mutex
	calls  map[Op]int
	faults map[Op][]*injected
}

// injected is a fault and how many calls it has seen.
type injected struct {
	Fault
	seen int
}

var (
	_ store.Store   = (*Faulty)(nil)
	_ store.Lister  = (*Faulty)(nil)
	_ store.Cleaner = (*Faulty)(nil)
	_ store.Pinger  = (*Faulty)(nil)
)

// NewFaulty returns a store that passes every call on to inner, until faults
// are injected.
func NewFaulty(inner store.Store) *Faulty {
	return &Faulty{inner: inner, calls: map[Op]int{}, faults: map[Op][]*injected{}}
}

// Unwrap returns the store inside.
func (f *Faulty) Unwrap() store.Store { return f.inner }

// Inject adds a fault to an operation. Several faults of one operation apply
// in the order in which they were injected, up to the first that answers.
func (f *Faulty) Inject(op Op, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[op] = append(f.faults[op], &injected{Fault: fault})
}

// Heal removes all faults.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.faults)
}

// Calls returns how often an operation was called, failed calls included.
func (f *Faulty) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// AllCalls returns how often the store was called in all.
func (f *Faulty) AllCalls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.calls {
		n += c
	}
	return n
}

// ResetCalls sets all counts to zero.
func (f *Faulty) ResetCalls() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.calls)
}

// due counts a call and returns the faults that apply to it.
func (f *Faulty) due(op Op) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	var due []Fault
	for _, in := range f.faults[op] {
		if in.seen++; in.Nth == 0 || in.Nth == in.seen {
			due = append(due, in.Fault)
		}
	}
	return due
}

// do makes one call under the faults that are due.
func (f *Faulty) do(ctx context.Context, op Op, call func() error) error {
	var after error
	for _, fault := range f.due(op) {
		if fault.Hook != nil {
			fault.Hook()
		}
		if err := hold(ctx, fault); err != nil {
			return fmt.Errorf("faulty: %s: %w", op, err)
		}
		if fault.Err != nil && !fault.After {
			return fmt.Errorf("faulty: %s: %w", op, fault.Err)
		}
		if after == nil {
			after = fault.Err
		}
	}
	err := call()
	if after != nil {
		return fmt.Errorf("faulty: %s: %w", op, after)
	}
	return err
}

// hold waits as a fault demands.
func hold(ctx context.Context, fault Fault) error {
	if fault.Block {
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
	err = f.do(ctx, OpLoad, func() error {
		r, err = f.inner.Load(ctx, key)
		return err
	})
	return only(r, err)
}

// Save calls the store inside, unless a fault prevents it.
func (f *Faulty) Save(ctx context.Context, key string, prev, next store.Record) (r store.Record, err error) {
	err = f.do(ctx, OpSave, func() error {
		r, err = f.inner.Save(ctx, key, prev, next)
		return err
	})
	return only(r, err)
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
	return f.do(ctx, OpTouch, func() error { return f.inner.Touch(ctx, key, prev, expires) })
}

// Delete calls the store inside, unless a fault prevents it.
func (f *Faulty) Delete(ctx context.Context, key string) error {
	return f.do(ctx, OpDelete, func() error { return f.inner.Delete(ctx, key) })
}

// List walks over the store inside. A fault comes before the first record, or
// after the last one if it says After.
func (f *Faulty) List(ctx context.Context, prefix string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		stopped := false
		err := f.do(ctx, OpList, func() error {
			l, ok := f.inner.(store.Lister)
			if !ok {
				return f.lacks(Lister)
			}
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
	err = f.do(ctx, OpClean, func() error {
		c, ok := f.inner.(store.Cleaner)
		if !ok {
			return f.lacks(Cleaner)
		}
		n, err = c.DeleteExpired(ctx, limit)
		return err
	})
	return n, err
}

// Ping calls the store inside, unless a fault prevents it.
func (f *Faulty) Ping(ctx context.Context) error {
	return f.do(ctx, OpPing, func() error {
		p, ok := f.inner.(store.Pinger)
		if !ok {
			return f.lacks(Pinger)
		}
		return p.Ping(ctx)
	})
}

// Close closes the store inside. No fault applies.
func (f *Faulty) Close() error { return store.Close(f.inner) }

// lacks is the answer for a capability that the store inside has not got.
func (f *Faulty) lacks(c Capability) error {
	return fmt.Errorf("%T is no %s: %w", f.inner, c, store.ErrUnsupported)
}
