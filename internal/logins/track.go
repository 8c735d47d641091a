package logins

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/engine"
	"github.com/cloakroom/cloakroom/store"
)

// What a schedule knows of the store and of the answers, and what must never be,
// whatever else happens.

// A place is a store key that has been used.
type place struct {
	view
	name  string
	owner string // whose sessions have been there
	by    *actor // has saved first there
}

func (s *schedule) failed(format string, args ...any) {
	s.errs = append(s.errs, fmt.Sprintf(format, args...))
}

func (s *schedule) lockedFailed(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed(format, args...)
}

// nameOf returns a short name for a store key.
func (s *schedule) nameOf(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name(key)
}

func (s *schedule) name(key string) string {
	if p := s.places[key]; p != nil {
		return p.name
	}
	return "a new key"
}

// key returns the store key of a ticket, and "" for none.
func (s *schedule) key(ticket string) string {
	if ticket == "" {
		return ""
	}
	return s.prefix + ticket
}

// ticket is the opposite of key.
func (s *schedule) ticket(key string) string { return key[len(s.prefix):] }

func handleOf(key string) string { return engine.HandleOf(key) }

// loaded notes what a has read.
func (s *schedule) loaded(a *actor, key string, r store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a != nil && !a.looked && key == a.oldKey {
		a.looked, a.met = true, s.view(key, r)
	}
}

// saved notes what lies under key from now on. a is nil outside of the schedule.
func (s *schedule) saved(a *actor, key string, r store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view(key, r)
	p := s.places[key]
	begins := p == nil
	if begins {
		p = &place{name: fmt.Sprint("K", len(s.places)), by: a}
		s.places[key] = p
		s.keyOfHandle[handleOf(key)] = key
	}
	was := p.view
	p.view = v
	if v.state == listing || was.state == listing {
		s.savedList(a, p, was)
		return
	}
	if v.state == absent && (was.state == moved || was.state == renewed) {
		s.hot = true // an end of a session that was always being changed has met a move
	}
	if s.hot {
		return
	}
	switch {
	case was.state == ended && v.state != ended,
		was.state == moved && (v.state != moved || v.next != was.next),
		was.state == renewed && (v.state != renewed || v.next != was.next):
		s.failed("%v makes %v of %v under %s", a, v, was, p.name)
	case was.state == session && v.state == session && was.user != v.user:
		s.failed("%v makes %v of %v under %s", a, v, was, p.name)
	}
	if v.state == renewed && was.state == session && a != nil && a.oldKey != key && s.plan.Renew > 0 {
		for _, before := range s.places {
			if before.state == renewed && before.next == key && v.at.Sub(before.at) < 59*time.Second && s.end(a.oldKey) == key {
				s.failed("%v renews %s, which has just been renewed", a, p.name)
			}
		}
	}
	for _, from := range v.prev {
		s.relate(key, from)
	}
	if v.next != "" {
		s.relate(key, v.next)
	}
	if v.state != session {
		return
	}
	if v.user != "" {
		p.owner = v.user
		if begins && s.entry(v.user, key) == nil {
			s.failed("%v saves %s, which is not listed", a, p.name)
		}
	}
	if a == nil {
		return
	}
	a.wrote[key] = true
	if a.oldKey != "" {
		s.relate(key, a.oldKey)
	}
	if v.id == a.name {
		s.keyOfLogin[v.id] = key
	}
	if by := s.revoked[v.id]; by != nil && v.user != "" && len(v.prev) == 0 {
		s.failed("%v saves the session of %s, which %v had revoked", a, v.id, by)
	}
}

// savedList looks at a user's record.
func (s *schedule) savedList(a *actor, p *place, was view) {
	there := map[string]bool{}
	for _, x := range p.list {
		there[x.key] = true
		if s.from[x.key] = x.from; x.from != "" {
			s.relate(x.key, x.from)
		}
	}
	for _, x := range was.list {
		if now := s.places[x.key]; !there[x.key] && now != nil && now.state == session && now.user == was.user && !s.hot {
			s.failed("%v drops the entry of %s, which is there", a, now.name)
		}
	}
	if s.plan.Max > 0 && p.state == listing {
		roots := map[string]bool{}
		for _, x := range p.list {
			roots[s.root(p.list, x.key)] = true
		}
		if len(roots) > s.plan.Max {
			s.failed("%v lists %d sessions of %s, and %d are allowed", a, len(roots), p.user, s.plan.Max)
		}
	}
}

// root returns the key that all came from which a list knows of.
func (s *schedule) root(list []entry, key string) string {
	for range list {
		if s.from[key] == "" {
			break
		}
		known := false
		for _, x := range list {
			known = known || x.key == key
		}
		if !known {
			break
		}
		key = s.from[key]
	}
	return key
}

// listed returns what a user's record holds.
func (s *schedule) listed(user string) []entry {
	for _, p := range s.places {
		if p.state == listing && p.user == user {
			return p.list
		}
	}
	return nil
}

func (s *schedule) entry(user, key string) *entry {
	for _, x := range s.listed(user) {
		if x.key == key {
			return &x
		}
	}
	return nil
}

// underWay reports whether one of two sessions came from the other, or is the other.
func (s *schedule) underWay(a, b string) bool {
	return a != "" && b != "" && (s.comesFrom(a, b) || s.comesFrom(b, a))
}

func (s *schedule) comesFrom(a, b string) bool {
	for n := 0; a != "" && n < 100; n++ {
		if a == b {
			return true
		}
		a = s.from[a]
	}
	return false
}

// end returns where the session of a key has gone on to.
func (s *schedule) end(key string) string {
	for n := 0; n < 100; n++ {
		p := s.places[key]
		if p == nil || p.next == "" {
			break
		}
		key = p.next
	}
	return key
}

// Keys are related if one session may have gone from one to the other.

func (s *schedule) relate(a, b string) {
	if a, b = s.family(a), s.family(b); a != b {
		s.parent[a] = b
	}
}

func (s *schedule) family(key string) string {
	for s.parent[key] != "" {
		key = s.parent[key]
	}
	return key
}

func (s *schedule) related(a, b string) bool {
	return a != "" && b != "" && s.family(a) == s.family(b)
}

// answered notes the answer to a at the moment at which it leaves.
func (s *schedule) answered(a *actor, code int, set bool, ticket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moment++
	a.done, a.code, a.set, a.ticket = s.moment, code, set, ticket
	if code == http.StatusOK && a.Kind == kindCount && !a.dropped {
		a.counted = a.tried
	}
	s.checkAnswer(a)
	if ticket != "" {
		s.handed[ticket] = true
	}
	if set && !a.Gone && !a.Unheard {
		s.jars[a.Browser] = ticket
		if ticket != "" {
			s.arrived[ticket] = true
		}
	}
}

// checkAnswer looks at what a was told.
func (s *schedule) checkAnswer(a *actor) {
	if a.code != http.StatusOK && !a.faulted && !a.Gone && !s.mayRefuse(a) {
		s.failed("%v: answered with %d: %v", a, a.code, a.err)
	}
	if a.Kind == kindLogin && a.code == http.StatusOK && !a.Gone && a.ticket == "" {
		s.failed("%v has been answered, and nobody is logged in", a)
	}
	if !a.set {
		return
	}
	key := s.key(a.ticket)
	switch p := s.places[a.oldKey]; {
	case a.ticket == "":
		if a.Kind != kindLogout || p != nil && p.state == session {
			s.failed("%v, answered with %d, takes the cookie away", a, a.code)
		}
	case !a.wrote[key]:
		s.failed("%v sets a ticket whose record it has not saved", a)
	case a.moves(), a.oldKey == "", a.ticket == a.old, a.met.state == absent:
	case a.met.state == renewed && !a.met.seen.IsZero() && !a.saw:
	case a.met.state == renewed && !a.met.seen.IsZero():
		s.failed("%v renews a session by a ticket whose successor has been seen", a)
	case a.met.state == session || a.met.state == renewed: // a renewal
		if s.plan.Renew == 0 {
			s.failed("%v gets a new ticket", a)
		}
	case a.met.state == ended || a.met.state == moved:
		limit := 2.0
		if a.met.state == moved && !a.Navigates {
			limit = 30
		}
		if a.began.Sub(a.met.at).Seconds() < limit {
			s.failed("%v begins a session, although its ticket had led to one when it was sent", a)
		}
	}
}

// mayRefuse reports whether there is a reason for the error of a login.
func (s *schedule) mayRefuse(a *actor) bool {
	switch {
	case a.Kind != kindLogin:
		return false
	case errors.Is(a.err, cloakroom.ErrTooManySessions):
		return s.plan.Refuse
	case !errors.Is(a.err, cloakroom.ErrRevoked):
		return false
	}
	for _, b := range s.actors {
		if b == a || b.sent == 0 || b.done != 0 && b.done < a.sent {
			continue
		}
		if b.revokes() && b.User == a.User || s.plan.Max > 0 && b.Kind == kindLogin && b.User == a.User || b.Kind == kindLogout && s.related(a.oldKey, b.oldKey) {
			return true
		}
	}
	return false
}
