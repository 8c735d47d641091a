package guarantee_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// A schedule runs requests of one visitor at the same time, in an order that
// its dice choose: each request stops at a gate before and after each call of
// the store, between the steps of its handler, and before and after its
// answer; the schedule opens one gate at a time.
type schedule struct {
	dice *rand.Rand
	site *sitetest.Site

	mu       sync.Mutex
	waiting  []*actor // at a gate
	running  int      // actors that have not ended
	jar      string   // the ticket in the visitor's browser
	trace    []string
	answered []*actor // in the order in which their answers left
	onGate   func()   // looks for what must never be
}

// An actor is one request of a schedule.
type actor struct {
	name    string
	sched   *schedule
	gate    chan struct{}
	page    http.HandlerFunc
	old     string // the ticket that it came with
	code    int    // of the answer
	ticket  string // that the answer set, empty if none
	done    bool   // the answer has left
	dropped bool   // Hooks.Conflict said so
	found   bool   // it has loaded the record of the session of this play
	deleted bool   // its Destroy found the record of the session of this play
	moved   bool   // Hooks.Regenerated said so
}

// holds reports whether r is the record of the session of this play, under the
// key of the actor's ticket.
func (a *actor) holds(key string, r store.Record) bool {
	return key == storeKey(a.old) && bytes.Contains(r.Data, []byte(scheduleMark))
}

type actorKey struct{}

func actorOf(ctx context.Context) *actor {
	a, _ := ctx.Value(actorKey{}).(*actor)
	return a
}

func newSchedule(t testing.TB, dice *rand.Rand) *schedule {
	o := unlogged()
	o.StoreTimeout = time.Hour
	o.Hooks.Conflict = func(ctx context.Context, e cloakroom.Event) {
		if e.Err != nil {
			actorOf(ctx).dropped = true
		}
	}
	o.Hooks.Regenerated = func(ctx context.Context, _ cloakroom.Event) { actorOf(ctx).moved = true }
	records := memstore.New(memstore.Options{})
	t.Cleanup(func() { records.Close() })
	return &schedule{dice: dice, site: sitetest.NewOn(t, gated{records}, o), onGate: func() {}}
}

// pass stops an actor at a gate.
func (s *schedule) pass(ctx context.Context, where string) {
	if a := actorOf(ctx); a != nil {
		s.stop(a, where)
	}
}

func (s *schedule) stop(a *actor, where string) {
	s.mu.Lock()
	s.waiting = append(s.waiting, a)
	s.mu.Unlock()
	<-a.gate
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, a.name+" "+where)
}

// run lets the actors run to their ends.
func (s *schedule) run(actors []*actor) {
	s.running = len(actors)
	for _, a := range actors {
		a.sched, a.gate = s, make(chan struct{})
		go a.run()
		synctest.Wait()
	}
	for s.running > 0 {
		if a := s.choose(); a != nil {
			a.gate <- struct{}{}
		}
		// Until all stand at gates again, or wait for one who does. In a bubble
		// it takes no time.
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		s.onGate()
	}
}

// choose takes one of the waiting actors.
func (s *schedule) choose() *actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	// Several may have arrived at once; their order must not be chance.
	slices.SortFunc(s.waiting, func(a, b *actor) int { return strings.Compare(a.name, b.name) })
	i := s.dice.IntN(len(s.waiting))
	a := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return a
}

func (a *actor) run() {
	s := a.sched
	s.stop(a, "sends the request")
	a.old = s.jar // as the browser has it at that moment
	r := httptest.NewRequestWithContext(context.WithValue(context.Background(), actorKey{}, a), "GET", "https://example.com/", nil)
	if a.old != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: a.old})
	}
	s.site.Manager.Handler(a.page).ServeHTTP(answering{httptest.NewRecorder(), a}, r)
	s.stop(a, "ends")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
}

// answering is the network: what is written to it has left.
type answering struct {
	*httptest.ResponseRecorder
	a *actor
}

func (w answering) WriteHeader(code int) {
	w.ResponseRecorder.WriteHeader(code)
	a := w.a
	a.code, a.done = code, true
	a.sched.answered = append(a.sched.answered, a)
	for _, c := range w.Result().Cookies() { // of several the browser keeps the last
		if c.Name == "__Host-session" {
			a.ticket, a.sched.jar = c.Value, c.Value // empty if it is removed
		}
	}
	a.sched.stop(a, "has answered")
}

func (w answering) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w answering) Write(p []byte) (int, error) {
	if !w.a.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseRecorder.Write(p)
}

// gated is a store with a gate before and after each call.
type gated struct{ *memstore.Store }

func pass(ctx context.Context, where string) {
	if a := actorOf(ctx); a != nil {
		a.sched.stop(a, where)
	}
}

func (g gated) Load(ctx context.Context, key string) (store.Record, error) {
	pass(ctx, "loads")
	r, err := g.Store.Load(ctx, key)
	if a := actorOf(ctx); a != nil && a.holds(key, r) {
		a.found = true
	}
	pass(ctx, "has loaded")
	return r, err
}

func (g gated) Save(ctx context.Context, key string, prev, next store.Record) (store.Record, error) {
	pass(ctx, "saves")
	r, err := g.Store.Save(ctx, key, prev, next)
	pass(ctx, "has saved")
	return r, err
}

func (g gated) Touch(ctx context.Context, key string, prev store.Record, expires time.Time) error {
	pass(ctx, "touches")
	err := g.Store.Touch(ctx, key, prev, expires)
	pass(ctx, "has touched")
	return err
}

func (g gated) Delete(ctx context.Context, key string) error {
	pass(ctx, "deletes")
	r, _ := g.Store.Load(ctx, key)
	if a := actorOf(ctx); a != nil && a.holds(key, r) {
		a.deleted = true
	}
	err := g.Store.Delete(ctx, key)
	pass(ctx, "has deleted")
	return err
}
