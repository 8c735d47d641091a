package logins

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom"
)

// What has to hold when nothing is in flight any more.

// An opened is the session that a ticket opens.
type opened struct {
	user, id, handle string
	values           map[string]any
}

// open returns the session that the ticket of a key opens, without the help that a
// load gives to a move; nil if there is none.
func (s *schedule) open(key string) *opened {
	c, err := s.reader.Open(context.Background(), cloakroom.Ticket(s.ticket(key)))
	if err != nil || c.IsNew() { // an error: what is over has to be ended before it can be told
		return nil
	}
	o := &opened{user: c.User(), handle: c.Handle(), values: maps.Collect(c.All())}
	o.id, _ = o.values[nameID].(string)
	return o
}

// openAll returns what the tickets of all keys open.
func (s *schedule) openAll() map[string]*opened {
	all := map[string]*opened{}
	for key, p := range s.places {
		if p.state != listing {
			if o := s.open(key); o != nil {
				all[key] = o
			}
		}
	}
	return all
}

// orphan reports whether the session under key was made by half a move, of one that
// has ended or moved elsewhere since: it ends when it is opened.
func (s *schedule) orphan(key string) bool {
	for _, before := range s.places[key].prev {
		p := s.places[before]
		for n := 0; n < 100 && p != nil && p.state == renewed; n++ {
			before = p.next
			p = s.places[before]
		}
		if before != key && (p == nil || p.state != session && p.next != key) {
			return true
		}
	}
	return false
}

// A login is what has made a session, or what it began with.
type login struct {
	id, user string
	key      string // under which it began
	by       *actor // nil if it was there before
}

func (s *schedule) logins() []login {
	all := append([]login(nil), s.begun...)
	for _, a := range s.actors {
		if a.Kind == kindLogin && a.ticket != "" && !a.Gone {
			all = append(all, login{a.name, users[a.User], s.key(a.ticket), a})
		}
	}
	return all
}

func (s *schedule) checkEnd() {
	all := s.openAll()
	for key, o := range all {
		if by := s.revoked[o.id]; by != nil && o.user != "" && s.handed[s.ticket(key)] && !s.orphan(s.end(key)) {
			s.failed("%s opens the session of %s, which %v had revoked", s.name(key), o.id, by)
		}
	}
	for _, l := range s.logins() {
		s.checkLogin(l, all)
	}
	s.checkDevices(all)
	if s.plan.Max > 0 {
		s.checkMost(all)
	}
}

// alive returns the session of a login, if one of the tickets that have arrived
// opens it.
func (s *schedule) alive(l login, all map[string]*opened) *opened {
	for key, o := range all {
		if o.id == l.id && o.user == l.user && s.arrived[s.ticket(key)] {
			return o
		}
	}
	return nil
}

// checkLogin looks for the session of a login, and for what was saved in it.
func (s *schedule) checkLogin(l login, all map[string]*opened) {
	o := s.alive(l, all)
	if o == nil {
		switch {
		case l.by != nil && l.by.Unheard, s.excused(l, nil):
		case l.by == nil || l.by.code == http.StatusOK:
			s.failed("the session of %s is lost", l.id)
		default: // it has failed half way: the visitor has what he had, at least
			for _, before := range s.logins() {
				if before.id == l.by.sawID && s.alive(before, all) == nil && !s.excused(before, l.by) {
					s.failed("%v has failed, and the session of %s is lost", l.by, before.id)
				}
			}
		}
		return
	}
	var least, most int64
	for _, a := range s.actors {
		if !a.saw || a.sawID != l.id {
			continue
		}
		most += a.tried
		if a.faulted { // a client that saves twice counts twice
			most += int64(1 + a.Fails)
		}
		if s.moves(l) {
			continue
		}
		least += a.counted
		if a.writes() && a.dropped {
			s.failed("%v is dropped, and its session lives", a)
		}
		if a.Kind == kindWrite && a.code == http.StatusOK && !a.dropped && o.values[a.name] != true {
			s.failed("what %v set is lost", a)
		}
	}
	if n, _ := o.values[string(visits)].(int64); n < least || n > most && l.by == nil {
		s.failed("the counter of %s says %d, want %d to %d", l.id, n, least, most)
	}
}

// moves reports whether a session may have been moved, by a request that was not
// its own login.
func (s *schedule) moves(l login) bool {
	for _, a := range s.actors {
		if a != l.by && a.moves() && s.related(a.oldKey, l.key) {
			return true
		}
	}
	return false
}

// excused reports whether something may have ended a session, but for one act.
func (s *schedule) excused(l login, not *actor) bool {
	for _, a := range s.actors {
		if a == l.by || a == not || a.sent == 0 {
			continue
		}
		later := l.by == nil || a.done == 0 || a.done > l.by.sent
		switch {
		case a.Kind == kindLogout && s.related(a.oldKey, l.key):
			return true
		case a.moves() && s.related(a.oldKey, l.key) && (a.ticket != "" || isRevoked(a.err)):
			return true
		case a.revokes() && users[a.User] == l.user && later && !s.spares(a, l.key):
			return true
		case a.Kind == kindLogin && users[a.User] == l.user && later && s.plan.Max > 0 && !s.plan.Refuse:
			return true
		}
	}
	return false
}

// spares reports whether a revocation leaves alone what began under a key.
func (s *schedule) spares(a *actor, key string) bool {
	switch {
	case a.Kind == kindSpare:
		return s.underWay(a.target, key)
	case a.Kind == kindRevoke:
		return !s.related(a.target, key)
	}
	return false
}

// checkDevices compares what is listed with what is there.
func (s *schedule) checkDevices(all map[string]*opened) {
	for _, user := range users {
		devices, err := s.procs[0].Devices(context.Background(), user)
		if err != nil {
			s.failed("Devices: %v", err)
			return
		}
		listed, hidden := map[string]bool{}, map[string]bool{}
		for _, d := range devices {
			key := s.keyOfHandle[d.Handle]
			listed[d.Handle] = true
			p := s.places[key]
			switch {
			case p == nil || p.owner != user:
				s.failed("what is listed as %s's is not his", user)
				continue
			case all[key] == nil && len(p.prev) == 0:
				s.failed("%s is listed, and opens nothing", p.name)
			case s.revoked[p.id] != nil:
				s.failed("%s is listed, and %v has revoked it", p.name, s.revoked[p.id])
			}
			for _, key := range p.prev {
				hidden[handleOf(key)], hidden[handleOf(s.end(key))] = true, true // listed by what takes its place
			}
		}
		for key, o := range all {
			if o.user == user && !listed[o.handle] && !hidden[o.handle] && s.handed[s.ticket(key)] && !s.orphan(s.end(key)) {
				s.failed("%s, a session of %s by %s, is not listed", s.name(key), user, o.id)
			}
		}
	}
}

// checkMost counts the sessions of a user.
func (s *schedule) checkMost(all map[string]*opened) {
	for _, user := range users {
		families := map[string]bool{}
		for key, o := range all {
			if o.user == user {
				families[s.family(key)] = true
			}
		}
		if len(families) > s.plan.Max {
			s.failed("%s has %d sessions, and %d are allowed", user, len(families), s.plan.Max)
		}
	}
}

// Ways to finish a schedule.
const (
	finishUser   = iota // RevokeUser
	finishEach          // Revoke, of all that Devices lists
	finishLogin         // every browser logs in again
	finishLate          // the new tickets are seen, and the grace passes
	finishLogout        // every browser logs out
	finishes
)

// finish ends what is left, and looks whether it has.
func (s *schedule) finish() {
	ctx, m := context.Background(), s.procs[0]
	switch s.plan.Finish {
	case finishUser:
		for _, user := range users {
			if err := m.RevokeUser(ctx, user); err != nil {
				s.failed("RevokeUser: %v", err)
			}
			s.noneLeft(user)
		}
	case finishEach:
		for _, user := range users {
			devices, err := m.Devices(ctx, user)
			if err != nil {
				s.failed("Devices: %v", err)
			}
			for _, d := range devices {
				if err := m.Revoke(ctx, user, d.Handle); err != nil {
					s.failed("Revoke: %v", err)
				}
			}
			s.noneLeft(user)
		}
	case finishLogin:
		s.finishLogins()
	case finishLate:
		s.finishGrace()
	case finishLogout:
		for i, ticket := range s.jars {
			if a := s.ask(ticket, (*cloakroom.Session).Destroy); a.code != http.StatusOK {
				s.failed("browser %d: the logout is answered with %d: %v", i, a.code, a.err)
			} else if ticket != "" && s.open(s.key(ticket)) != nil {
				s.failed("browser %d: its ticket opens a session after the logout", i)
			}
		}
	}
}

// noneLeft fails if a session of a user opens.
func (s *schedule) noneLeft(user string) {
	for key, o := range s.openAll() {
		if o.user == user && s.handed[s.ticket(key)] && !s.orphan(s.end(key)) {
			s.failed("%s opens the session of %s after all have been revoked", s.name(key), o.id)
		}
	}
	for i, ticket := range s.jars {
		s.ask(ticket, func(c *cloakroom.Session) {
			if c.User() == user {
				s.failed("browser %d is %s's after all have been revoked", i, user)
			}
		})
	}
	devices, err := s.procs[1].Devices(context.Background(), user)
	if err != nil || len(devices) > 0 {
		s.failed("Devices after all have been revoked: %d, %v", len(devices), err)
	}
}

// finishLogins lets every browser log in once more, one after the other.
func (s *schedule) finishLogins() {
	for i, ticket := range s.jars {
		a := s.ask(ticket, func(c *cloakroom.Session) { logIn(c, users[0], "again") })
		if a.code != http.StatusOK {
			if !s.plan.Refuse {
				s.failed("browser %d: the next login is answered with %d: %v", i, a.code, a.err)
			}
			continue
		}
		o := s.open(s.key(a.ticket))
		if o == nil || o.user != users[0] || o.id != "again" {
			s.failed("browser %d is not logged in", i)
		}
		if ticket != "" && s.open(s.key(ticket)) != nil {
			s.failed("browser %d: the old ticket opens a session after a login", i)
		}
		all := s.openAll()
		s.checkDevices(all)
		if s.plan.Max > 0 {
			s.checkMost(all)
		}
	}
}

// finishGrace lets the browsers come back, and then the old tickets be presented.
func (s *schedule) finishGrace() {
	was := map[string]*opened{}
	for i, ticket := range s.jars {
		if ticket == "" {
			continue
		}
		half := len(s.places[s.key(ticket)].prev) > 0
		for _, p := range s.places {
			half = half || slices.Contains(p.prev, s.key(ticket))
		}
		if !half { // of half a move, the first visit makes what it likes
			was[ticket] = s.open(s.key(ticket))
		}
		if a := s.ask(ticket, func(c *cloakroom.Session) { c.Len() }); a.code != http.StatusOK {
			s.failed("browser %d: the next visit is answered with %d: %v", i, a.code, a.err)
		} else if a.ticket != "" {
			s.jars[i] = a.ticket
			if s.ask(a.ticket, func(c *cloakroom.Session) { c.Len() }).set {
				s.failed("browser %d gets a new ticket with each visit", i)
			}
		}
	}
	if !s.virtual {
		return
	}
	time.Sleep(31 * time.Second)
	for key, p := range s.places {
		if (p.state == renewed && !p.seen.IsZero() || p.state == moved || p.state == ended) && s.open(key) != nil {
			s.failed("%s still opens a session", p.name)
		}
	}
	for i, ticket := range s.jars {
		if ticket == "" || was[ticket] == nil || s.places[s.key(ticket)].state == renewed {
			continue // the last one is what the thief may have
		}
		if o := s.open(s.key(ticket)); o == nil || o.id != was[ticket].id {
			s.failed("browser %d has lost its session", i)
		}
	}
}
