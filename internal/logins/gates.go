package logins

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

// The actors of a schedule stop at a gate before they begin, before each call of
// the store, between the steps of a handler, and before an answer leaves. The
// schedule opens one gate at a time.

// stop stops an actor at a gate; nil does not stop.
func (a *actor) stop(where string) {
	if a == nil {
		return
	}
	s := a.s
	s.mu.Lock()
	s.waiting = append(s.waiting, a)
	s.mu.Unlock()
	s.stir()
	<-a.gate
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, a.name+" "+where)
}

// stir wakes a schedule up that waits for its actors.
func (s *schedule) stir() {
	select {
	case s.stirred <- struct{}{}:
	default:
	}
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
	for stuck := 0; stuck < 5000; {
		s.rest()
		if _, running := s.count(); running == 0 {
			return
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
	panic(fmt.Sprintf("nobody goes on: %s\n%s", s.plan, strings.Join(s.trace, "\n")))
}

// patience is how long a schedule in real time waits for an actor that does not
// come to a gate: it waits for another one.
const patience = 20 * time.Millisecond

// rest waits until no actor runs: each stands at a gate, waits for another one, or
// has ended.
func (s *schedule) rest() {
	if s.virtual {
		synctest.Wait()
		if standing, running := s.count(); standing < running { // some wait for each other, or pause after a conflict
			time.Sleep(3 * time.Millisecond)
			synctest.Wait()
		}
		return
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if standing, running := s.count(); standing == running {
			return
		}
		select {
		case <-s.stirred:
		case <-late.C:
			return
		}
	}
}

// count returns how many actors stand at a gate, and how many have not ended.
func (s *schedule) count() (standing, running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting), s.running
}

// choose takes one of the waiting actors; nil if there is none. Zero in Order, and
// what is missing at its end, mean the one that went on before, or the first; n means
// the nth, counted round and round.
func (s *schedule) choose() *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
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
		if value, ok := strings.CutPrefix(line, cookie+"="); ok {
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
type gated struct{ s *schedule }

var errPlanned = errors.New("the store is down")

// call does a call of the store; f does it and says what it has come to. save tells
// that it may meet a conflict.
func (g gated) call(ctx context.Context, what, key string, save bool, f func(a *actor) error) error {
	a := actorOf(ctx)
	if a == nil {
		return f(nil)
	}
	if key != "" {
		what += " " + g.s.nameOf(key)
	}
	a.stop(what)
	a.calls++
	if a.Fault == 0 || a.calls < a.Fault || a.calls > a.Fault+a.Fails {
		return f(a)
	}
	err, how := errPlanned, a.How
	if !save && how >= faultConflict {
		how -= faultConflict
	}
	switch how {
	case faultLost:
		f(a)
	case faultConflict:
		err = store.ErrConflict
	case faultTwice:
		f(a)
		err = store.ErrConflict
	}
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	a.faulted = true
	g.s.trace = append(g.s.trace, "\t"+[]string{"which fails", "whose answer is lost", "which meets a conflict", "twice"}[how])
	return err
}

func (g gated) Load(ctx context.Context, key string) (r store.Record, err error) {
	err = g.call(ctx, "loads", key, false, func(a *actor) (err error) {
		if r, err = g.s.store.Load(ctx, key); err == nil || errors.Is(err, store.ErrNotFound) {
			g.s.loaded(a, key, r)
		}
		return err
	})
	if err != nil {
		r = store.Record{}
	}
	return r, err
}

func (g gated) Save(ctx context.Context, key string, prev, next store.Record) (r store.Record, err error) {
	err = g.call(ctx, "saves", key, true, func(a *actor) (err error) {
		// What others learn of a save they learn in the order of the saves.
		g.s.saves.Lock()
		defer g.s.saves.Unlock()
		if r, err = g.s.store.Save(ctx, key, prev, next); err == nil {
			g.s.saved(a, key, r)
		}
		return err
	})
	if err != nil {
		r = store.Record{}
	}
	return r, err
}

func (g gated) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	return g.call(ctx, "touches", key, false, func(*actor) error { return g.s.store.Touch(ctx, key, prev, expires) })
}

func (g gated) Delete(ctx context.Context, key string) error {
	return g.call(ctx, "deletes", key, false, func(a *actor) (err error) {
		g.s.saves.Lock()
		defer g.s.saves.Unlock()
		if err = g.s.store.Delete(ctx, key); err == nil {
			g.s.saved(a, key, store.Record{})
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
		keys[i] = b.s.nameOf(x.Key)
	}
	err = b.call(ctx, "saves "+strings.Join(keys, " and ")+" at once", "", true, func(a *actor) (err error) {
		b.s.saves.Lock()
		defer b.s.saves.Unlock()
		if records, err = b.s.store.(store.BatchSaver).SaveAll(ctx, changes); err != nil {
			return err
		}
		for i, x := range changes {
			b.s.saved(a, x.Key, records[i])
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
