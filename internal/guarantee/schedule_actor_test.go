package guarantee_test

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
)

// An actor is one request of a schedule.
type actor struct {
	act
	name  string
	index int
	sched *schedule
	gate  chan struct{}

	old   string    // the ticket that it came with
	began time.Time // when the request did
	sent  int       // the moment at which it was sent, see schedule.moment

	calls   int  // of the store
	faulted bool // one of them has failed
	looked  bool // the record of the old ticket has been read,
	met     met  // and that was there

	wrote   map[string]bool // keys under which it has saved records
	dropped bool            // Hooks.Conflict said so
	saw     []string        // names of values
	took    bool
	tried   int64 // steps of the counter,
	counted int64 // and those that were said to be saved

	code   int    // of the answer; 0 as long as there is none
	set    bool   // the answer has set or removed the cookie
	ticket string // to this
}

// met is what a request has found under the key of its ticket.
type met struct {
	state state
	at    time.Time // of the mark
}

// inFlight reports whether the actor's request was on its way when the session
// of its ticket ended.
func (a *actor) inFlight() bool {
	limit := 2 * time.Second
	if a.met.state == moved && !a.Navigates {
		limit = 30 * time.Second
	}
	return (a.met.state == moved || a.met.state == ended) && a.began.Before(a.met.at.Add(limit))
}

type actorKey struct{}

func actorOf(ctx context.Context) *actor {
	a, _ := ctx.Value(actorKey{}).(*actor)
	return a
}

// run makes the request.
func (a *actor) run() {
	s := a.sched
	defer func() {
		p := recover()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
		if p != nil {
			s.failed("%v panics: %v", a, p)
		}
	}()
	a.stop("is sent")
	s.mu.Lock()
	a.old, a.began = s.jars[a.Browser], time.Now()
	a.sent, s.moment = s.moment, s.moment+1
	s.mu.Unlock()
	if a.Kind == kindJob {
		a.work(context.WithValue(context.Background(), actorKey{}, a))
		return
	}
	ctx, leave := context.WithCancel(context.WithValue(context.Background(), actorKey{}, a))
	defer leave()
	r := newRequest(ctx, a.old)
	if a.Navigates {
		r.Header.Set("Accept", "text/html")
	}
	w := &network{header: http.Header{}, before: func() { a.stop("answers") }, answered: func(code int, set bool, ticket string) {
		s.answered(a, code, set, ticket)
	}}
	s.procs[a.Process].Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.use(cloakroom.From(r))
		if a.Gone {
			leave()
		}
		io.WriteString(w, "done")
	})).ServeHTTP(w, r)
}

// use is what the handler does.
func (a *actor) use(c *cloakroom.Session) {
	a.saw = c.Keys()
	if a.Early {
		a.stop("has the session")
	}
	switch a.Kind {
	case kindWrite:
		c.Set(a.name, true)
	case kindCount:
		a.tried++
		sitetest.Count(c)
	case kindStream:
		a.stream(c)
	case kindFlash:
		c.Flash("info", a.name)
	case kindTake:
		_, a.took = once.Take(c)
	case kindRemember:
		c.SetPermanent(true)
	case kindRegenerate:
		c.Regenerate()
	case kindLogin:
		c.Regenerate()
		c.Set(a.name, true)
	case kindLogout:
		c.Destroy()
	case kindGoodbye:
		c.Destroy()
		c.Flash("info", a.name)
	}
}

// stream uses the session again, and again.
func (a *actor) stream(c *cloakroom.Session) {
	for used, n := time.Now(), 0; ; n++ {
		a.stop("goes on")
		gone, faulted := a.sessionGone(), a.faulted
		names := c.Keys()
		if long := time.Since(used) > a.sched.uses; gone && long && !faulted && !a.faulted && len(names) > 0 {
			a.sched.lockedFailed("%v uses a session that has ended", a)
		}
		if time.Since(used) > a.sched.uses || n == 3 {
			return
		}
	}
}

// work is what a job does: it commits, and then counts four times and commits
// each time.
func (a *actor) work(ctx context.Context) {
	m := a.sched.procs[a.Process]
	c, err := m.Open(ctx, cloakroom.Ticket(a.old))
	if err != nil || c.IsNew() {
		return
	}
	a.stop("has the session")
	for i := range 5 {
		if i > 0 {
			a.tried++
			sitetest.Count(c)
		}
		gone, calls := a.sessionGone(), a.calls
		ticket, err := m.Commit(ctx, c)
		if err != nil || ticket == "" {
			return
		}
		switch {
		case string(ticket) != a.old:
			a.sched.lockedFailed("%v: its session has another ticket", a)
		case gone && a.calls > calls && !a.faulted:
			a.sched.lockedFailed("%v commits to a session that has ended", a)
		case i > 0:
			a.counted++
		}
	}
}

// sessionGone reports whether the actor's ticket opens nothing any more.
func (a *actor) sessionGone() bool {
	a.sched.mu.Lock()
	defer a.sched.mu.Unlock()
	p := a.sched.places[storeKey(a.old)]
	return p != nil && p.state != record
}

func (s *schedule) lockedFailed(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed(format, args...)
}
