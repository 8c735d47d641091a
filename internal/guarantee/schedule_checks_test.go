package guarantee_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store"
)

// What has to hold when all requests of a schedule have been answered.

func (s *schedule) checkEnd() {
	values := map[string]map[string]any{} // of the sessions, by store key
	for _, key := range s.keys {
		if s.places[key].state == record {
			values[key] = s.values(key)
		}
	}
	for _, key := range s.keys {
		s.checkPlace(key, values[key])
	}
	for _, a := range s.actors {
		if a.Kind == kindWait {
			continue
		}
		s.checkSeen(a)
		if a.moves() {
			s.checkLogin(a, values)
		}
		s.checkChange(a, values)
	}
	s.checkCounts(values)
	s.checkOnce(values)
}

// values returns the values of the session under a key, without the help that a
// load gives to a move.
func (s *schedule) values(key string) map[string]any {
	c, err := s.reader.Open(context.Background(), cloakroom.Ticket(ticketOf(key)))
	if errors.Is(err, errFrozen) {
		return nil // what is over, and has to be ended before it can be told
	}
	if err != nil {
		s.failed("%s: %v", s.places[key].name, err)
		return nil
	}
	return maps.Collect(c.All())
}

// checkPlace looks at who has ended a session, and whose values are in it.
func (s *schedule) checkPlace(key string, values map[string]any) {
	p := s.places[key]
	if p.state == ended || p.state == absent {
		if !s.endedFor(p) && !s.orphan(key) && (p.by != p.ender || p.by.code == http.StatusOK && p.by.ticket == ticketOf(key)) {
			s.failed("%s was ended by %v", p.name, p.ender)
		}
	}
	if from := s.places[s.origin(key)]; p.state == record && from != nil && from.state == ended && s.endedFor(from) && p.by.code == http.StatusOK {
		s.failed("%v has ended %s, which lives on as %s", from.ender, from.name, p.name)
	}
	for name := range values {
		if !s.belongs(name, key) {
			s.failed("%s has the value of %s", p.name, name)
		}
	}
}

// endedFor reports whether p was ended by a logout, or by a request that has
// done what was left of one.
func (s *schedule) endedFor(p *place) bool {
	if p.ender.ends() {
		return true
	}
	old := s.places[storeKey(p.ender.old)]
	return old != nil && old.state == ended && old.ender.ends()
}

// belongs reports whether a value can be in the session under key.
func (s *schedule) belongs(name, key string) bool {
	switch name {
	case visitorsMark, string(once):
		return s.descends(s.first[visitor], key)
	case bystandersMark:
		return s.descends(s.first[bystander], key)
	case string(sitetest.Visits):
		return true // see checkCounts
	}
	for _, a := range s.actors {
		if a.name == name {
			return s.descendsFrom(a, key)
		}
	}
	return false
}

// descendsFrom reports whether what a has saved can be under key.
func (s *schedule) descendsFrom(a *actor, key string) bool {
	for from := range a.wrote {
		if s.descends(from, key) {
			return true
		}
	}
	return false
}

// checkSeen looks at what the handler saw.
func (s *schedule) checkSeen(a *actor) {
	if len(a.saw) > 0 && a.met.state != record {
		s.failed("%v saw %q with a ticket that opens nothing", a, a.saw)
	}
	for _, name := range a.saw {
		if !s.belongs(name, storeKey(a.old)) {
			s.failed("%v saw the value of %s", a, name)
		}
	}
}

// checkLogin looks at what the visitor has who has followed the answer to a
// login, or had what he had before if it was none.
func (s *schedule) checkLogin(a *actor, values map[string]map[string]any) {
	switch {
	case a.Gone:
		for key := range a.wrote {
			if s.places[key].by == a {
				s.failed("%v: a session that nobody got the ticket of", a)
			}
		}
	case a.ticket == "" && a.code == http.StatusOK:
		// Dropped, because of a logout, or there was nothing to regenerate.
		_, p := s.follow(storeKey(a.old))
		gone := p.state != record && a.dropped
		empty := a.Kind == kindRegenerate && (a.met.state != record || s.places[storeKey(a.old)].state == moved || s.orphan(storeKey(a.old)))
		if !gone && !empty {
			s.failed("%v has been answered, and nobody is logged in", a)
		}
	case a.ticket == "": // it has failed
		if a.met.state != record {
			return
		}
		old := s.places[storeKey(a.old)]
		if old.state == moved && s.places[old.next].by == a {
			s.failed("%v has failed, its session is gone and its visitor has no other", a)
		}
		if _, p := s.follow(storeKey(a.old)); p.state != record && !s.endedFor(p) && !s.orphan(storeKey(a.old)) {
			s.failed("%v has failed, and its session is gone", a)
		}
	default:
		key, p := s.follow(storeKey(a.ticket))
		if p.state != record {
			if !s.endedFor(p) && !s.orphan(key) {
				s.failed("%v was answered with %d and a ticket that opens nothing", a, a.code)
			}
			return
		}
		if a.Kind == kindLogin && a.code == http.StatusOK && values[key][a.name] != true {
			s.failed("%v has been answered, and is not logged in", a)
		}
	}
}

// home returns the key of the session that a has changed.
func (a *actor) home() string {
	if a.ticket != "" {
		return storeKey(a.ticket)
	}
	return storeKey(a.old)
}

// fuzzy reports whether a move of the session under key, or of one that it has
// moved to, has stopped half way, and a request that was to finish it could not:
// there are two sessions then, and what both have been given cannot be kept.
func (s *schedule) fuzzy(key string) bool {
	for {
		if s.orphan(key) {
			return true
		}
		for _, a := range s.actors {
			if a.faulted && a.old != "" && s.half(storeKey(a.old)) && s.origin(storeKey(a.old)) == key {
				return true
			}
		}
		p := s.places[key]
		if p == nil || p.state != moved {
			return false
		}
		key = p.next
	}
}

// checkChange looks for what a has changed, if that was answered and not
// dropped.
func (s *schedule) checkChange(a *actor, values map[string]map[string]any) {
	if !a.changes() || a.code != http.StatusOK {
		return
	}
	if a.dropped {
		if a.met.state != record && !a.inFlight() {
			s.failed("%v is dropped, although it began long after the end of its session", a)
		}
		return
	}
	if !a.wrote[a.home()] {
		s.failed("%v was answered, has saved nothing, and nobody was told", a)
		return
	}
	key, p := s.follow(a.home())
	if (a.Kind == kindWrite || a.Kind == kindLogin) && p.state == record && !s.fuzzy(a.home()) && values[key][a.name] != true {
		s.failed("what %v set is lost", a)
	}
}

func (s *schedule) checkCounts(values map[string]map[string]any) {
	for key, v := range values {
		got, _ := v[string(sitetest.Visits)].(int64)
		var least, most int64
		for _, a := range s.actors {
			if s.descendsFrom(a, key) {
				most += a.tried
			}
			if end, _ := s.follow(a.home()); end == key && !s.fuzzy(a.home()) {
				least += a.counted
			}
		}
		if got < least || got > most {
			s.failed("the counter of %s says %d, want %d to %d", s.places[key].name, got, least, most)
		}
	}
}

// checkOnce looks at what was the visitor's, and can be taken but once.
func (s *schedule) checkOnce(values map[string]map[string]any) {
	taken, copies, troubled := 0, 0, false
	for _, a := range s.actors {
		troubled = troubled || a.faulted || a.Gone
		if a.took {
			taken++
		}
	}
	for _, v := range values {
		if v[visitorsMark] != nil {
			copies++
		}
	}
	key, p := s.follow(s.first[visitor])
	if taken > 1 && !s.fuzzy(s.first[visitor]) {
		s.failed("%d have taken what there was once", taken)
	}
	if taken > 0 && !s.fuzzy(s.first[visitor]) && values[key][string(once)] != nil {
		s.failed("what has been taken is still there")
	}
	if want := map[bool]int{true: 1}[p.state == record]; !troubled && !s.New && copies != want {
		s.failed("%d sessions have what the visitor had, want %d", copies, want)
	}
}

// Ways to finish what is left of a failure.
const (
	finishVisit  = iota // and a logout
	finishLogout        // at once
	finishLate          // the same as the first, after all marks have gone
	finishAgain         // a login, and a logout
	finishes
)

// finish looks at the visitor's next request, and at the logout: nothing of
// what came before is left then.
func (s *schedule) finish() {
	if s.Finish == finishLate {
		s.pass(16 * time.Minute)
		for key := range s.places {
			from := s.places[s.origin(key)]
			if orphan := s.orphan(key); orphan || from != nil && from.state == moved {
				s.orphans[key] = orphan
			}
		}
		for key, p := range s.places { // marks have expired
			if _, err := s.store.Load(context.Background(), key); err != nil {
				p.state = absent
			}
		}
	}
	for _, ticket := range s.jars {
		if ticket == "" {
			continue
		}
		key := storeKey(ticket)
		p, opens, orphan := s.places[key], s.opens(key), s.orphan(key)
		switch s.Finish {
		case finishVisit, finishLate:
			if a := s.ask(ticket, sitetest.Using(func(c *cloakroom.Session) { c.Len() })); a.code != http.StatusOK || a.set && !a.resent(ticket) {
				s.failed("the next visit: answered with %d, sets a cookie: %v", a.code, a.set)
			}
		case finishAgain:
			a := s.ask(ticket, sitetest.Using(func(c *cloakroom.Session) { c.Regenerate(); c.Set("again", true) }))
			if a.code != http.StatusOK {
				s.failed("the next login: answered with %d", a.code)
			}
			if opens = opens && a.ticket != ""; opens {
				s.mustBeGone("the next login", storeKey(ticket))
				ticket = a.ticket
			}
		}
		if orphan && s.Finish != finishLogout {
			s.mustBeGone("the next request", key)
		}
		if (opens || p.state == ended) && s.Finish != finishLogout {
			s.checkForgotten("the next request", storeKey(ticket))
		}
		if a := s.ask(ticket, sitetest.Using((*cloakroom.Session).Destroy)); a.code != http.StatusOK {
			s.failed("the logout: answered with %d", a.code)
		}
		s.mustBeGone("the logout", storeKey(ticket))
		s.checkForgotten("the logout", storeKey(ticket))
	}
}

func (a *actor) resent(ticket string) bool { return a.ticket == ticket }

// checkForgotten fails if a session that the one under key has taken the place
// of still opens.
func (s *schedule) checkForgotten(since, key string) {
	for key := range s.replaced(key) {
		s.mustBeGone(since, key)
	}
}

func (s *schedule) mustBeGone(since, key string) {
	if s.opens(key) {
		s.failed("after %s %s still opens a session", since, s.places[key].name)
	}
}

// opens reports whether there is a session under a key, as of now.
func (s *schedule) opens(key string) bool {
	r, err := s.store.Load(context.Background(), key)
	if err != nil {
		return false
	}
	_, mark := store.ParseMark(r.Data)
	return !mark
}
