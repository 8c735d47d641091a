package guarantee_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// The requests of a schedule stop at a gate before they are sent, before each
// call of the store, between the steps of the handler, and before the answer
// leaves. The schedule opens one gate at a time.

// stop stops an actor at a gate; nil does not stop.
func (a *actor) stop(where string) {
	if a == nil {
		return
	}
	s := a.sched
	s.mu.Lock()
	s.waiting = append(s.waiting, a)
	s.mu.Unlock()
	<-a.gate
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, a.name+" "+where)
}

// run lets the actors run to their ends.
func (s *schedule) run() {
	s.running = len(s.actors)
	for _, a := range s.actors {
		if a.gate = make(chan struct{}); a.Kind == kindWait {
			s.waiting = append(s.waiting, a)
		}
	}
	for _, a := range s.actors {
		if a.Kind != kindWait {
			go a.run()
		}
	}
	for stuck := 0; stuck < 1000; {
		synctest.Wait()
		standing, running := s.count()
		if running == 0 {
			return
		}
		if standing < running { // some wait for each other, or pause after a conflict
			time.Sleep(3 * time.Millisecond)
			synctest.Wait()
		}
		next := s.choose()
		switch {
		case next == nil:
			stuck++
			continue
		case next.Kind == kindWait:
			time.Sleep(time.Duration(next.Wait) * time.Second)
		default:
			next.gate <- struct{}{}
		}
		stuck = 0
	}
	panic(fmt.Sprintf("nobody goes on: %s", s.plan))
}

// count returns how many actors stand at a gate, and how many have not ended.
func (s *schedule) count() (standing, running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting), s.running
}

// choose takes one of the waiting actors; nil if there is none.
func (s *schedule) choose() *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	// Several may have arrived at once; their order must not be chance.
	slices.SortFunc(s.waiting, func(a, b *actor) int { return a.index - b.index })
	n := 0
	if len(s.order) > 0 {
		n, s.order = s.order[0], s.order[1:]
	}
	i := max(slices.Index(s.waiting, s.last), 0)
	if n > 0 {
		i = (n - 1) % len(s.waiting)
	}
	s.last = s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	if s.last.Kind == kindWait {
		s.running--
		s.trace = append(s.trace, fmt.Sprint(s.last.Wait, " seconds pass"))
	}
	return s.last
}

// network is where an answer goes.
type network struct {
	header   http.Header
	given    bool
	before   func() // is called before it leaves
	answered func(code int, set bool, ticket string)
}

func (w *network) Header() http.Header { return w.header }

func (w *network) WriteHeader(code int) {
	if w.given {
		return
	}
	w.given = true
	if w.before != nil {
		w.before()
	}
	set, ticket := false, ""
	for _, line := range w.header["Set-Cookie"] { // of several the browser keeps the last
		if value, ok := strings.CutPrefix(line, "__Host-session="); ok {
			set = true
			ticket, _, _ = strings.Cut(value, ";") // empty if it is removed
		}
	}
	w.answered(code, set, ticket)
}

func (w *network) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// gated is a store with a gate before each call, at which calls fail if the plan
// says so.
type gated struct{ sched *schedule }

var errPlanned = errors.New("the store is down")

// call does a call of the store. f says what the call has come to.
func (g gated) call(ctx context.Context, what, key string, f func(a *actor) error) error {
	a := actorOf(ctx)
	if a == nil {
		return f(nil)
	}
	if key != "" {
		what += " " + g.sched.nameOf(key)
	}
	a.stop(what)
	a.calls++
	if a.Fault == 0 || a.calls < a.Fault || a.calls > a.Fault+a.Fails {
		return f(a)
	}
	if a.Lost {
		f(a)
	}
	g.sched.mu.Lock()
	defer g.sched.mu.Unlock()
	a.faulted = true
	g.sched.trace = append(g.sched.trace, "\t"+map[bool]string{false: "which fails", true: "whose answer is lost"}[a.Lost])
	return errPlanned
}

func (g gated) Load(ctx context.Context, key string) (r store.Record, err error) {
	err = g.call(ctx, "loads", key, func(a *actor) (err error) {
		if r, err = g.sched.store.Load(ctx, key); err == nil || errors.Is(err, store.ErrNotFound) {
			g.sched.loaded(a, key, r)
		}
		return err
	})
	if err != nil {
		r = store.Record{}
	}
	return r, err
}

func (g gated) Save(ctx context.Context, key string, prev, next store.Record) (r store.Record, err error) {
	err = g.call(ctx, "saves", key, func(a *actor) (err error) {
		if r, err = g.sched.store.Save(ctx, key, prev, next); err == nil {
			g.sched.saved(a, key, r)
		}
		return err
	})
	if err != nil {
		r = store.Record{}
	}
	return r, err
}

func (g gated) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	return g.call(ctx, "touches", key, func(*actor) error { return g.sched.store.Touch(ctx, key, prev, expires) })
}

func (g gated) Delete(ctx context.Context, key string) error {
	return g.call(ctx, "deletes", key, func(a *actor) (err error) {
		if err = g.sched.store.Delete(ctx, key); err == nil {
			g.sched.saved(a, key, store.Record{})
		}
		return err
	})
}

// gates returns the store with a gate before each call. It can save several records
// at once if the plan says so, and the store can.
func (s *schedule) gates() store.Store {
	if _, can := s.store.(store.BatchSaver); can && s.plan.Batch {
		return batched{gated{s}}
	}
	return gated{s}
}

// batched is gated on a store that can save several records at once.
type batched struct{ gated }

func (b batched) SaveAll(ctx context.Context, changes []store.Change) (records []store.Record, err error) {
	keys := make([]string, len(changes))
	for i, x := range changes {
		keys[i] = b.sched.nameOf(x.Key)
	}
	err = b.call(ctx, "saves "+strings.Join(keys, " and ")+" at once", "", func(a *actor) (err error) {
		if records, err = b.sched.store.(store.BatchSaver).SaveAll(ctx, changes); err != nil {
			return err
		}
		for i, x := range changes {
			b.sched.saved(a, x.Key, records[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// frozen is a store that is only read.
type frozen struct{ store.Store }

var errFrozen = errors.New("the store is only read")

func (frozen) Save(context.Context, string, store.Record, store.Record) (store.Record, error) {
	return store.Record{}, errFrozen
}
func (frozen) Touch(context.Context, string, store.Record, time.Time) error { return errFrozen }
func (frozen) Delete(context.Context, string) error                         { return errFrozen }
