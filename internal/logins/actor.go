package logins

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom"
)

// An actor is one act of a schedule as it is played.
type actor struct {
	Act
	name  string
	index int
	s     *schedule
	gate  chan struct{}

	old, oldKey string    // the ticket that it came with, and its store key
	began       time.Time // when the request did
	sent        int       // the moment at which it was sent, see schedule.moment
	done        int       // the moment at which it was answered; 0 as long as it is not

	calls   int  // of the store
	faulted bool // one of them has failed
	looked  bool // what lies under oldKey has been read,
	met     view // and that was there

	wrote   map[string]bool // keys under which it has saved sessions
	dropped bool            // Hooks.Conflict said so
	saw     bool            // the handler has seen a session,
	sawID   string          // made by this login,
	sawUser string          // which is this user's
	tried   int64           // steps of the counter,
	counted int64           // and those that were said to be saved

	code   int   // of the answer
	err    error // of the session, or of what an administrator did
	set    bool  // the answer has set or removed the cookie
	ticket string

	// Of a revocation.
	target  string          // store key of the session that is ended, or spared; "" if there is none
	victims map[string]bool // logins whose sessions were there when it began
}

type actorKey struct{}

func actorOf(ctx context.Context) *actor {
	a, _ := ctx.Value(actorKey{}).(*actor)
	return a
}

func (a *actor) String() string {
	if a == nil {
		return "a later request"
	}
	return a.name
}

// run does what the act says.
func (a *actor) run() {
	s := a.s
	defer func() {
		p := recover()
		s.mu.Lock()
		s.running--
		if p != nil {
			s.failed("%v panics: %v", a, p)
		}
		s.mu.Unlock()
		s.stir()
	}()
	a.stop("begins")
	ctx, leave := context.WithCancel(context.WithValue(context.Background(), actorKey{}, a))
	defer leave()
	if a.administers() {
		a.administer(ctx)
		return
	}
	s.mu.Lock()
	a.old, a.began = s.jars[a.Browser], time.Now()
	a.oldKey = s.key(a.old)
	s.moment++
	a.sent = s.moment
	s.mu.Unlock()
	if a.Kind == kindJob {
		a.work(ctx)
		return
	}
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

// Values of sessions.
const (
	nameID     = "id"     // which login has made it, or which browser it began with
	nameSecret = "secret" // is the user's name
	visits     = cloakroom.Key[int64]("visits")
)

func count(c *cloakroom.Session) { visits.Update(c, func(n int64) int64 { return n + 1 }) }

func logIn(c *cloakroom.Session, user, id string) {
	c.Login(user)
	c.Set(nameID, id)
	c.Set(nameSecret, user)
}

// use is what the handler does.
func (a *actor) use(c *cloakroom.Session) {
	a.see(c)
	if a.Early {
		a.stop("has the session")
	}
	switch a.Kind {
	case kindWrite:
		c.Set(a.name, true)
	case kindCount:
		a.tried++
		count(c)
	case kindLogin:
		logIn(c, users[a.User], a.name)
	case kindRegenerate:
		c.Regenerate()
	case kindLogout:
		c.Destroy()
	}
}

// see notes what the handler sees when it looks first.
func (a *actor) see(c *cloakroom.Session) {
	user, names, id, secret := c.User(), c.Keys(), c.Get(nameID), c.Get(nameSecret)
	s := a.s
	s.mu.Lock()
	defer s.mu.Unlock()
	a.saw, a.sawUser = len(names) > 0, user
	a.sawID, _ = id.(string)
	for _, b := range s.actors {
		if b.sawUser != "" && b.sawUser != user && slices.Contains(names, b.name) {
			s.failed("%v sees as %q what %v has set as %q", a, user, b, b.sawUser)
		}
	}
	if by := s.revoked[a.sawID]; user != "" && by != nil && by.done < a.sent {
		s.failed("%v sees the session of %s, which %v had revoked", a, a.sawID, by)
	}
	if of, ok := secret.(string); ok && of != user {
		s.failed("%v sees what is %s's as %q", a, of, user)
	}
	if a.sawID != "" && !s.related(s.keyOfLogin[a.sawID], a.oldKey) {
		s.failed("%v sees the session of %s", a, a.sawID)
	}
}

// work is what a job does.
func (a *actor) work(ctx context.Context) {
	s := a.s
	m := s.procs[a.Process]
	c, err := m.Open(ctx, cloakroom.Ticket(a.old))
	if err != nil || c.IsNew() {
		a.end(err)
		return
	}
	a.see(c)
	for range 2 {
		a.stop("has the session")
		a.tried++
		count(c)
		ticket, err := m.Commit(ctx, c)
		if err != nil || ticket == "" {
			a.end(err)
			return
		}
		if string(ticket) != a.old {
			s.lockedFailed("%v gets another ticket", a)
		}
		a.counted++
	}
	a.end(nil)
}

// end notes that an act without an answer is over.
func (a *actor) end(err error) {
	s := a.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moment++
	a.done, a.err = s.moment, err
	if err != nil && !a.faulted && !errors.Is(err, cloakroom.ErrNotFound) {
		s.failed("%v: %v", a, err)
	}
}

// administer does what happens outside of a request.
func (a *actor) administer(ctx context.Context) {
	s, m, user := a.s, a.s.procs[a.Process], users[a.User]
	s.mu.Lock()
	s.moment++
	a.sent, a.began = s.moment, time.Now()
	target := s.key(s.jars[a.Target])
	list := s.listed(user)
	if a.Kind != kindDevices && a.Kind != kindRevokeUser && slices.ContainsFunc(list, func(x entry) bool { return x.key == target }) {
		a.target = target
	}
	a.victims = map[string]bool{}
	for key, p := range s.places {
		switch {
		case p.state != session || p.user != user:
		case a.Kind == kindRevokeUser, a.Kind == kindSpare && !s.underWay(a.target, key):
			a.victims[p.id] = true
		case a.Kind == kindRevoke && s.end(target) == key && a.target != "":
			a.victims[p.id] = true
		}
	}
	for key, p := range s.places {
		if a.Kind == kindSpare && p.state == session && s.underWay(a.target, key) {
			delete(a.victims, p.id)
		}
	}
	s.mu.Unlock()
	var err error
	switch a.Kind {
	case kindDevices:
		var devices []cloakroom.Device
		devices, err = m.Devices(ctx, user)
		s.mu.Lock()
		for _, d := range devices {
			if p := s.places[s.keyOfHandle[d.Handle]]; p == nil || p.owner != user {
				s.failed("%v lists what is not %s's", a, user)
			}
		}
		s.mu.Unlock()
	case kindRevoke:
		err = m.Revoke(ctx, user, handleOf(target))
		if errors.Is(err, cloakroom.ErrNotFound) && a.target == "" {
			err = nil
		}
	case kindRevokeUser:
		err = m.RevokeUser(ctx, user)
	case kindSpare:
		err = m.RevokeUser(ctx, user, handleOf(target))
	}
	a.end(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return
	}
	for id := range a.victims {
		if s.revoked[id] == nil {
			s.revoked[id] = a
		}
	}
	for key, p := range s.places {
		if p.state == session && len(p.prev) == 0 && s.revoked[p.id] != nil {
			s.failed("%v has returned, and %s is there", a, s.name(key))
		}
	}
}
