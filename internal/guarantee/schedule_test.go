package guarantee_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
	"github.com/cloakroom/cloakroom/store/memstore"
)

// Guarantee 2, and guarantee 1 around logins and logouts: random schedules of
// requests with one ticket, in two processes on a store that fails at any step.
// To play one of them again, set scheduleEnv to the plan that the failure
// printed, or to its seed.

const (
	schedules      = 100_000
	fileSchedules  = 2_000
	shortSchedules = 1_500 // and a tenth of that in files
	scheduleEnv    = "CLOAKROOM_TEST_SCHEDULE"
)

func TestRandomSchedules(t *testing.T) {
	t.Parallel()
	for _, where := range []struct {
		name  string
		n     int
		files bool
	}{{"memory", size(schedules, shortSchedules), false}, {"files", size(fileSchedules, shortSchedules/10), true}} {
		t.Run(where.name, func(t *testing.T) {
			dir := ""
			if where.files {
				dir = quickDir(t)
			}
			if text := os.Getenv(scheduleEnv); text != "" {
				playAgain(t, dir, text)
				return
			}
			first, played := uint64(time.Now().UnixNano()), atomic.Int64{}
			for worker := range runtime.GOMAXPROCS(0) {
				t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
					t.Parallel()
					for {
						n := played.Add(1)
						if n > int64(where.n) || t.Failed() {
							return
						}
						playSeed(t, dir, first+uint64(n))
					}
				})
			}
		})
	}
}

func playSeed(t *testing.T, dir string, seed uint64) {
	p := newPlan(rand.New(rand.NewPCG(seed, 0)))
	if len(playSchedule(t, dir, p).errs) == 0 {
		return
	}
	p = shrink(p, plan.smaller, func(p plan) bool { return len(playSchedule(t, dir, p).errs) > 0 })
	playSchedule(t, dir, p).report(t)
	t.Logf("%s=%d plays the schedule again of which this one is a part", scheduleEnv, seed)
}

func playAgain(t *testing.T, dir, text string) {
	var p plan
	if seed, err := strconv.ParseUint(text, 10, 64); err == nil {
		p = newPlan(rand.New(rand.NewPCG(seed, 0)))
	} else if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	playSchedule(t, dir, p).report(t)
}

// report fails t with what is wrong, if something is.
func (s *schedule) report(t *testing.T) {
	if len(s.errs) > 0 {
		t.Errorf("%s\n%s='%s' plays it again:\n%s", strings.Join(s.errs, "\n"), scheduleEnv, s.plan, strings.Join(s.trace, "\n"))
	} else if os.Getenv(scheduleEnv) != "" {
		t.Logf("%s\n%s", s.plan, strings.Join(s.trace, "\n"))
	}
}

// A schedule is a plan in progress.
type schedule struct {
	plan
	order  []int // what is left of plan.Order
	store  store.Store
	sealer *seal.Sealer
	procs  [2]*cloakroom.Manager
	reader *cloakroom.Manager // changes nothing
	uses   time.Duration      // after which a use within a request counts again
	actors []*actor

	mu      sync.Mutex
	waiting []*actor          // at a gate
	running int               // actors that have not ended
	last    *actor            // went on last
	moment  int               // counts what browsers send and get
	jars    [browsers]string  // the tickets in the browsers
	first   [browsers]string  // the keys of the sessions with which it began
	places  map[string]*place // by store key
	keys    []string          // of places, in the order in which they were first used
	deaths  map[string]*death // by store key
	orphans map[string]bool   // by store key: what orphan said before the marks went that it asks
	hot     bool              // a Delete has removed a mark, see playSchedule
	trace   []string
	errs    []string
}

func (s *schedule) failed(format string, args ...any) {
	s.errs = append(s.errs, fmt.Sprintf(format, args...))
}

// playSchedule plays a plan, in files below dir unless that is empty.
func playSchedule(t *testing.T, dir string, p plan) *schedule {
	s := &schedule{plan: p, order: p.Order, places: map[string]*place{}, deaths: map[string]*death{}, orphans: map[string]bool{}}
	if dir != "" {
		name, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(name)
		dir = name
	}
	synctest.Test(t, func(t *testing.T) {
		defer s.open(t, dir)()
		s.begin()
		s.run()
		if s.hot {
			// An end of a session that was always being changed has met a move.
			// That the move is lost then no store could prevent.
			s.errs = nil
			return
		}
		s.checkEnd()
		s.finish()
	})
	return s
}

// scheduleKeys are Options.RecordKeys of sealed schedules.
var scheduleKeys = [][]byte{[]byte("a key of 32 bytes for schedules!")}

// open opens the store and makes the Managers.
func (s *schedule) open(t *testing.T, dir string) (end func()) {
	o := unlogged()
	l := lives[s.Life]
	o.IdleTimeout, o.Lifetime, o.Permanent = l.idle, l.lifetime, l.permanent
	o.StoreTimeout = time.Hour
	if s.Sealed {
		o.RecordKeys = scheduleKeys
		s.sealer, _ = seal.New(scheduleKeys...)
	}
	o.Hooks.Conflict = func(ctx context.Context, e cloakroom.Event) {
		if a := actorOf(ctx); a != nil && e.Err != nil {
			a.dropped = true
		}
	}
	s.store = memstore.New(memstore.Options{})
	if dir != "" {
		var err error
		if s.store, err = filestore.New(dir, filestore.Options{Unsynced: true, SweepInterval: -1}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range s.procs {
		s.procs[i] = newManager(t, gated{s}, o)
	}
	s.uses = cmp.Or(l.idle, cloakroom.DefaultIdleTimeout) / 10
	s.reader = newManager(t, frozen{gated{s}}, o)
	return func() { s.store.(io.Closer).Close() }
}

// pass lets time pass in which nobody uses the store.
func (s *schedule) pass(d time.Duration) {
	if m, ok := s.store.(*memstore.Store); ok {
		s.store = passed(m, d)
	} else {
		time.Sleep(d)
	}
}

// passed lets time pass in which nobody uses a store, and returns one that has
// what is left in it. A store in memory looks for expired records each minute,
// which would take long.
func passed(m *memstore.Store, d time.Duration) *memstore.Store {
	if d < 5*time.Minute {
		time.Sleep(d)
		return m
	}
	ctx := context.Background()
	records := map[string]store.Record{}
	for e, err := range m.List(ctx, "") {
		if err != nil {
			panic(err)
		}
		records[e.Key] = e.Record
	}
	m.Close()
	time.Sleep(d)
	m = memstore.New(memstore.Options{})
	for key, r := range records {
		if _, err := m.Save(ctx, key, store.Record{}, r); err != nil {
			panic(err)
		}
	}
	return m
}

func newManager(t *testing.T, s store.Store, o cloakroom.Options) *cloakroom.Manager {
	m, err := cloakroom.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Values that sessions begin with.
const (
	visitorsMark   = "the visitor's"
	bystandersMark = "the bystander's"
	once           = cloakroom.Key[string]("once")
)

// begin gives the browsers their sessions, and makes the actors.
func (s *schedule) begin() {
	if !s.New {
		s.jars[visitor] = s.begun(func(c *cloakroom.Session) { c.Set(visitorsMark, true); once.Set(c, "x") })
		s.jars[planter] = s.jars[visitor]
	}
	s.jars[bystander] = s.begun(func(c *cloakroom.Session) { c.Set(bystandersMark, true) })
	for i, ticket := range s.jars {
		s.first[i] = storeKey(ticket)
	}
	s.pass(lives[s.Life].unused)
	for i, act := range s.Acts {
		a := &actor{act: act, index: i, sched: s, wrote: map[string]bool{}}
		a.name = fmt.Sprintf("%s %d", a.Kind, i)
		s.actors = append(s.actors, a)
	}
}

func (s *schedule) begun(use func(*cloakroom.Session)) string {
	return s.ask("", sitetest.Using(use)).ticket
}

// ask makes a request outside of the schedule, whose answer is an actor's.
func (s *schedule) ask(ticket string, h http.HandlerFunc) *actor {
	a := &actor{name: "a later request"}
	w := &network{header: http.Header{}, answered: func(code int, set bool, ticket string) {
		a.code, a.set, a.ticket = code, set, ticket
	}}
	s.procs[0].Handler(h).ServeHTTP(w, newRequest(context.Background(), ticket))
	return a
}

func newRequest(ctx context.Context, ticket string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
	if err != nil {
		panic(err)
	}
	if ticket != "" {
		r.Header.Set("Cookie", "__Host-session="+ticket)
	}
	return r
}
