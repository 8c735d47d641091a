package logins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// A Stage is where plans are played.
type Stage struct {
	Store store.Store
	// Prefix is that of the keys; empty means cloakroom.DefaultKeyPrefix. What is left
	// in the store is removed.
	Prefix string
	// Virtual tells that it stands within a bubble of testing/synctest. Otherwise no
	// time passes but what the store takes.
	Virtual bool
}

// A schedule is a plan in progress.
type schedule struct {
	plan    Plan
	order   []int // what is left of plan.Order
	store   store.Store
	prefix  string
	virtual bool
	sealer  *seal.Sealer // nil if records are not sealed
	procs   [2]*cloakroom.Manager
	reader  *cloakroom.Manager // changes nothing
	actors  []*actor
	begun   []login // the sessions with which it began
	stirred chan struct{}
	saves   sync.Mutex

	mu          sync.Mutex
	waiting     []*actor // at a gate
	running     int      // actors that have not ended
	last        *actor   // went on last
	moment      int      // counts what is sent and answered
	jars        [browsers]string
	handed      map[string]bool   // tickets that were handed out,
	arrived     map[string]bool   // and that browsers have got
	places      map[string]*place // by store key
	keyOfHandle map[string]string
	keyOfLogin  map[string]string
	from        map[string]string // by store key: where a session came from, as users' records say
	parent      map[string]string // see relate
	revoked     map[string]*actor // by login
	hot         bool              // a Delete has removed a mark: nothing is promised
	trace       []string
	errs        []string
}

// Play plays a plan and returns what is wrong, with what has happened; "" if nothing
// is.
func Play(stage Stage, p Plan) string {
	s := &schedule{
		plan: p, order: p.Order, store: stage.Store, virtual: stage.Virtual, stirred: make(chan struct{}, 1),
		prefix: cmp.Or(stage.Prefix, cloakroom.DefaultKeyPrefix),
		handed: map[string]bool{}, arrived: map[string]bool{}, places: map[string]*place{}, keyOfHandle: map[string]string{}, keyOfLogin: map[string]string{},
		from: map[string]string{}, parent: map[string]string{}, revoked: map[string]*actor{},
	}
	if err := s.setUp(); err != nil {
		return err.Error()
	}
	defer s.tearDown()
	s.begin()
	if len(s.errs) == 0 {
		s.run()
	}
	if !s.hot && len(s.errs) == 0 {
		s.checkEnd()
	}
	if !s.hot && len(s.errs) == 0 {
		s.finish()
	}
	if s.hot || len(s.errs) == 0 {
		return ""
	}
	return strings.Join(s.errs, "\n") + "\n" + strings.Join(s.trace, "\n")
}

const cookie = "__Host-session"

// setUp makes the Managers.
func (s *schedule) setUp() (err error) {
	o := cloakroom.Options{
		PlainIDs:      true,
		KeyPrefix:     s.prefix,
		IdleTimeout:   30 * time.Minute,
		StoreTimeout:  time.Hour,
		MaxPerUser:    s.plan.Max,
		RefuseOverMax: s.plan.Refuse,
		RenewEvery:    time.Duration(s.plan.Renew) * time.Minute,
		Logger:        slog.New(slog.DiscardHandler),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if a, ok := r.Context().Value(askedKey{}).(*actor); ok {
				a.err = err
			}
			if a := actorOf(r.Context()); a != nil {
				a.err = err
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	}
	if s.plan.Sealed {
		o.RecordKeys, s.sealer = recordKeys, newSealer()
	}
	o.Hooks.Conflict = func(ctx context.Context, e cloakroom.Event) {
		if a := actorOf(ctx); a != nil && e.Err != nil {
			a.dropped = true
		}
	}
	for i := range s.procs {
		if s.procs[i], err = cloakroom.New(s.gates(), o); err != nil {
			return err
		}
	}
	s.reader, err = cloakroom.New(frozen{gated{s}}, o)
	return err
}

// tearDown removes what the schedule has left in a store that others use.
func (s *schedule) tearDown() {
	if s.virtual {
		return
	}
	for key := range s.places {
		s.store.Delete(context.Background(), key)
	}
}

// begin gives the browsers their sessions, and makes the actors.
func (s *schedule) begin() {
	for i := range browsers {
		id := fmt.Sprint("browser ", i)
		switch i {
		case blank, thief:
			continue
		}
		user := userOf(i)
		if s.plan.Max == 1 && i == second {
			continue
		}
		a := s.ask("", func(c *cloakroom.Session) {
			if user != "" {
				logIn(c, user, id)
			}
			c.Set(nameID, id)
		})
		if a.ticket == "" {
			s.failed("%s gets no session: %v", id, a.err)
			return
		}
		s.jars[i], s.handed[a.ticket], s.arrived[a.ticket] = a.ticket, true, true
		s.begun = append(s.begun, login{id, user, s.key(a.ticket), nil})
		s.keyOfLogin[id] = s.key(a.ticket)
	}
	s.jars[thief] = s.jars[first]
	if s.plan.Renew > 0 {
		s.age(2 * time.Hour)
	}
	if s.virtual {
		time.Sleep(time.Duration(s.plan.Unused) * time.Minute)
	}
	for i, act := range s.plan.Acts {
		if act.Kind == kindWait && !s.virtual {
			continue
		}
		s.actors = append(s.actors, &actor{Act: act, name: fmt.Sprintf("%s %d", act.Kind, i), index: i, s: s, wrote: map[string]bool{}})
	}
}

// age makes all sessions older than they are, so that they are due to be renewed.
func (s *schedule) age(d time.Duration) {
	ctx := context.Background()
	for key, p := range s.places {
		if p.state != session {
			continue
		}
		r, err := s.store.Load(ctx, key)
		if err != nil {
			s.failed("%s: %v", p.name, err)
			return
		}
		older, err := s.backdate(key, r, d)
		if err == nil {
			_, err = s.store.Save(ctx, key, r, older)
		}
		if err != nil {
			s.failed("%s: %v", p.name, err)
		}
	}
}

// ask makes a request outside of the schedule, whose answer is an actor's.
func (s *schedule) ask(ticket string, use func(*cloakroom.Session)) *actor {
	a := &actor{name: "a later request"}
	w := &network{header: http.Header{}, answered: func(code int, set bool, ticket string) {
		a.code, a.set, a.ticket = code, set, ticket
	}}
	s.procs[0].Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		use(cloakroom.From(r))
		io.WriteString(w, "done")
	})).ServeHTTP(w, newRequest(context.WithValue(context.Background(), askedKey{}, a), ticket))
	return a
}

type askedKey struct{}

func newRequest(ctx context.Context, ticket string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
	if err != nil {
		panic(err)
	}
	if ticket != "" {
		r.Header.Set("Cookie", cookie+"="+ticket)
	}
	return r
}

func isRevoked(err error) bool { return errors.Is(err, cloakroom.ErrRevoked) }
