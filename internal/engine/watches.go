package engine

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// watches are the sessions of an Engine that somebody watches. What ends one in
// this process says so, see [watches.ended]. What happens elsewhere one goroutine
// looks for, which runs while there is something to watch: each key is looked at
// once an interval, whoever watches it, many with one call, and when it expires.
type watches struct {
	e     *Engine
	count atomic.Int64 // of keys, to be asked without the lock

	mu   sync.Mutex
	keys map[string]*watched
	next lookList
	wake chan struct{} // nil unless the goroutine runs
}

// A watched is one key.
type watched struct {
	key  string
	by   []*watch
	meta *ledger.Meta // of a session that lives in its ticket: whose it is
	ends time.Time    // as far as is known; zero if never
	at   time.Time    // when to look at it
	slot int          // in lookList
}

const (
	// lookSlots is how many times an interval it is looked at what is due, so that
	// many keys are in one call, and not all of them at once.
	lookSlots = 8
	// lookMost is how many keys are in one call.
	lookMost = 128
	// lookFailures is how many failures in one call are taken for records that
	// cannot be read, rather than for a store that is out of reach.
	lookFailures = 3
)

// begin makes w the watch of a session that does not exist yet, until ctx is done.
func (ws *watches) begin(w *watch, ctx context.Context) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.stop = context.AfterFunc(ctx, func() { ws.drop(w) })
}

// follow lets w go on with v, which may not exist, without closing it.
func (ws *watches) follow(w *watch, v *version) {
	key := watchKey(v)
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w.over {
		return
	}
	if w.key != key {
		ws.leave(w)
		w.missed = false
	}
	w.key = key
	if !v.Exists() {
		return
	}
	k := ws.enter(w)
	if ends := ws.e.overAt(v, time.Now()); ends.After(k.ends) {
		k.ends, k.meta = ends, v.Meta
		if ws.e.inTicket() && (ws.e.epochs.store == nil || ends.Before(k.at)) {
			ws.lookAt(k, ends)
		}
	}
}

// enter adds w to those who watch its key, if it is not among them.
func (ws *watches) enter(w *watch) *watched {
	k := ws.keys[w.key]
	if k == nil {
		// The first look comes at once: what was loaded may be over by now.
		k = &watched{key: w.key, at: time.Now()}
		if ws.keys == nil {
			ws.keys = map[string]*watched{}
		}
		ws.keys[k.key] = k
		ws.count.Add(1)
		heap.Push(&ws.next, k)
		ws.wakeUp()
	}
	if !slices.Contains(k.by, w) {
		k.by = append(k.by, w)
	}
	return k
}

// lookAt has k looked at next at a time.
func (ws *watches) lookAt(k *watched, at time.Time) {
	k.at = at
	heap.Fix(&ws.next, k.slot)
}

// leave takes w away from its key.
func (ws *watches) leave(w *watch) {
	k := ws.keys[w.key]
	if k == nil {
		return
	}
	if k.by = slices.DeleteFunc(k.by, func(other *watch) bool { return other == w }); len(k.by) == 0 {
		ws.forget(k)
	}
}

func (ws *watches) forget(k *watched) {
	delete(ws.keys, k.key)
	ws.count.Add(-1)
	heap.Remove(&ws.next, k.slot)
	if len(ws.keys) == 0 {
		ws.wakeUp() // to end
	}
}

// ended closes what watches a key whose session is over: m is the mark of it, if
// there is one. Whatever ends a session, and every load that finds one over, calls
// it.
func (ws *watches) ended(key string, m *marked) {
	if ws.count.Load() == 0 {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	k := ws.keys[key]
	if k == nil {
		return
	}
	if m != nil && m.kind == store.MarkRenewed {
		ws.renewed(k, m.next)
		return
	}
	for _, w := range slices.Clone(k.by) {
		if w.met = m; w.held {
			w.missed = true
		} else {
			ws.shut(w)
		}
	}
}

// endedUnless is ended for a defer: unless the end has failed.
func (ws *watches) endedUnless(failed *error, key string) {
	if *failed == nil {
		ws.ended(key, nil)
	}
}

// replaced is ended for what lies under key now: a mark, or nothing.
func (ws *watches) replaced(key string, rec store.Record) {
	if ws.count.Load() != 0 {
		ws.ended(key, asMark(ws.e.readMark(key, rec)))
	}
}

// renewed lets those who watch k go on under the key next.
func (ws *watches) renewed(k *watched, next string) {
	for _, w := range slices.Clone(k.by) {
		ws.leave(w)
		w.key = next
		ws.enter(w)
	}
}

// close closes w.
func (ws *watches) close(w *watch, m *marked) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if !w.over {
		w.met = m
		ws.shut(w)
	}
}

func (ws *watches) shut(w *watch) {
	close(w.done)
	ws.end(w)
}

// drop ends w without closing it: nobody listens any more.
func (ws *watches) drop(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if !w.over {
		ws.end(w)
	}
}

func (ws *watches) end(w *watch) {
	w.over = true
	w.stop()
	ws.leave(w)
}

// hold and release are around a commit of the session itself. A watch that has not
// followed it by then is closed if its key has ended.
func (ws *watches) hold(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.held = true
}

func (ws *watches) release(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w.held = false; w.missed && !w.over {
		ws.shut(w)
	}
}

// wakeUp starts the goroutine, or has it see what is due next.
func (ws *watches) wakeUp() {
	if ws.wake == nil {
		ws.wake = make(chan struct{}, 1)
		go ws.run(ws.wake)
		return
	}
	select {
	case ws.wake <- struct{}{}:
	default:
	}
}

func (ws *watches) run(wake chan struct{}) {
	failing := false
	for {
		due, next, on := ws.due(time.Now())
		switch {
		case !on:
			return
		case len(due) > 0:
			err := ws.look(due)
			if err != nil && !failing {
				ws.e.Report(context.Background(), "", err) // once for each outage
			}
			failing = err != nil
			continue
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case <-wake:
		}
		timer.Stop()
	}
}

// due returns the keys that it is time to look at or, if there are none, when it
// will be. If nothing is watched any more, the goroutine is over.
func (ws *watches) due(now time.Time) (keys []string, next time.Time, on bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.next) == 0 {
		ws.wake = nil
		return nil, next, false
	}
	for ; len(keys) < lookMost && !ws.next[0].at.After(now); heap.Fix(&ws.next, 0) {
		k := ws.next[0]
		keys = append(keys, k.key)
		k.at = ws.e.nextLook(now)
	}
	return keys, ws.next[0].at, true
}

// nextLook returns when a key is looked at again: an interval later, at the same
// time as others.
func (e *Engine) nextLook(now time.Time) time.Time {
	return now.Add(e.WatchInterval).Truncate(max(e.WatchInterval/lookSlots, 1))
}

// look looks at the sessions under keys.
func (ws *watches) look(keys []string) error {
	e := ws.e
	call := newCallContext(context.Background(), e.StoreTimeout, true)
	defer call.close()
	if e.inTicket() {
		return ws.lookAtTickets(call, keys)
	}
	records, failed := store.LoadAll(call, e.store, keys)
	if failed == nil {
		for i, key := range keys {
			ws.judge(call, key, records[i])
		}
		return nil
	}
	// One record that cannot be read says nothing about the others.
	failures := 0
	for _, key := range keys {
		rec, err := e.store.Load(call, key)
		switch {
		case err == nil, errors.Is(err, store.ErrNotFound):
			ws.judge(call, key, rec)
		default:
			if failures++; failures == min(lookFailures, len(keys)) || call.Err() != nil {
				return unavailable("watch", err)
			}
		}
	}
	return nil
}

// judge says what a look at rec has come to. What cannot be read is not over.
func (ws *watches) judge(ctx context.Context, key string, rec store.Record) {
	e, now := ws.e, time.Now()
	if !rec.Exists() {
		ws.ended(key, nil)
		return
	}
	if err := e.readMark(key, rec); err != nil {
		if m := asMark(err); m != nil {
			ws.ended(key, m)
		}
		return
	}
	v, err := e.decode(key, rec)
	if err == nil && e.idled(&v, now) {
		v, err = e.fetch(ctx, key) // which closes the watch if it is gone
	}
	if err != nil {
		return
	}
	if e.over(&v, now) {
		ws.ended(key, nil)
		return
	}
	ws.lives(key, e.overAt(&v, now), now)
}

// lives notes when a session ends if nobody uses it, so that it is looked at then.
func (ws *watches) lives(key string, ends, now time.Time) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	k := ws.keys[key]
	if k == nil {
		return
	}
	if k.ends = ends; ends.After(now) && ends.Before(k.at) {
		ws.lookAt(k, ends)
	}
}

// A lookList is a heap of what is watched, by when to look at it.
type lookList []*watched

func (l lookList) Len() int           { return len(l) }
func (l lookList) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l lookList) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].slot, l[j].slot = i, j
}

func (l *lookList) Push(x any) {
	k := x.(*watched)
	k.slot = len(*l)
	*l = append(*l, k)
}

func (l *lookList) Pop() any {
	last := len(*l) - 1
	k := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return k
}
