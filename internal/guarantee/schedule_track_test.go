package guarantee_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/store"
)

// What a schedule knows of the store and of the answers, and what must never
// be, whatever else happens.

// A state is what lies under a store key.
type state uint8

const (
	absent state = iota
	record
	moved // a mark: the session goes on under another key
	ended // a mark
)

// A place is a store key that has been used.
type place struct {
	name  string
	state state
	at    time.Time // of the mark
	next  string    // moved: store key of the session that goes on
	by    *actor    // who has begun the session; nil if it was there before
	ender *actor    // who has put the mark or deleted the record; nil likewise
}

// state returns what r is, and where a moved session goes on.
func (s *schedule) state(key string, r store.Record) (what state, at time.Time, next string) {
	if !r.Exists() {
		return absent, time.Time{}, ""
	}
	m, ok := store.ParseMark(r.Data)
	switch {
	case !ok:
		return record, time.Time{}, ""
	case m.Kind == store.MarkEnded:
		return ended, m.At, ""
	case s.sealer != nil:
		payload, err := s.sealer.Open(nil, m.Payload, string(r.Data[:store.MarkHead])+key)
		if err != nil {
			s.failed("the mark under %s is not sealed as marks are: %v", s.places[key].name, err)
		}
		return moved, m.At, string(payload)
	default:
		return moved, m.At, string(m.Payload)
	}
}

// nameOf returns a short name for a store key.
func (s *schedule) nameOf(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.places[key]; p != nil {
		return p.name
	}
	return "a new key"
}

// loaded notes what a has read.
func (s *schedule) loaded(a *actor, key string, r store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a == nil || a.looked || key != storeKey(a.old) {
		return
	}
	a.looked = true
	a.met.state, a.met.at, _ = s.state(key, r)
}

// saved notes what lies under key from now on. a is nil outside of the schedule.
func (s *schedule) saved(a *actor, key string, r store.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.places[key]
	if p == nil {
		p = &place{name: fmt.Sprint("K", len(s.places)), by: a}
		s.places[key] = p
		s.keys = append(s.keys, key)
		p.state = record
	}
	was, next := p.state, p.next
	p.state, p.at, p.next = s.state(key, r)
	if s.hot = s.hot || was == moved && p.state == absent; s.hot {
		return
	}
	if p.state == record && was != record {
		s.failed("%s has been ended, and %v saves a record there", p.name, a)
	}
	switch {
	case p.state == record && a != nil:
		a.wrote[key] = true
	case p.state != record && was != ended:
		p.ender = a
	}
	if p.state == ended && was != ended && a != nil && key == storeKey(a.old) && !a.ends() {
		// It was made by half a move, of a session that is over. What matters
		// to the request is how that one has ended.
		a.met = met{}
		if from := s.places[s.origin(key)]; from != nil {
			a.met = met{from.state, from.at}
		}
	}
	if was == moved && (p.state != moved || p.next != next) || was == ended && p.state == moved {
		s.failed("%v saves another mark under %s", a, p.name)
	}
}

// A death is an answer that says that a ticket opens nothing any more.
type death struct {
	by     *actor
	moment int
}

// answered notes the answer to a at the moment at which it arrives.
func (s *schedule) answered(a *actor, code int, set bool, ticket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.code, a.set, a.ticket = code, set, ticket
	s.moment++
	if code == http.StatusOK && a.old != "" && (a.moves() || a.ends()) {
		s.declareDead(a, storeKey(a.old))
		if a.met.state == record { // and so is what it had taken the place of
			for key := range s.replaced(storeKey(a.old)) {
				s.declareDead(a, key)
			}
		}
		if a.ends() && (a.met.state == record || a.inFlight()) {
			for key := storeKey(a.old); s.places[key].state == moved; {
				key = s.places[key].next
				s.declareDead(a, key)
			}
		}
	}
	if code == http.StatusOK && a.Kind == kindCount && !a.dropped {
		a.counted = a.tried
	}
	s.checkAnswer(a)
	if set && !a.Gone {
		s.jars[a.Browser] = ticket
	}
}

func (s *schedule) declareDead(a *actor, key string) {
	if s.deaths[key] == nil {
		s.deaths[key] = &death{a, s.moment}
	}
	if p := s.places[key]; p != nil && p.state == record {
		s.failed("%v has been answered, and %s still opens a session", a, p.name)
	}
}

// checkAnswer looks at what a was told about the cookie.
func (s *schedule) checkAnswer(a *actor) {
	switch {
	case a.code != http.StatusOK && a.code != http.StatusServiceUnavailable,
		a.code != http.StatusOK && !a.faulted && !a.Gone:
		s.failed("%v: answered with %d", a, a.code)
	case !a.set:
		return
	case a.ticket == "":
		if p := s.places[storeKey(a.old)]; !a.ends() || p != nil && p.state == record {
			s.failed("%v, answered with %d, takes the cookie away", a, a.code)
		}
		return
	}
	key := storeKey(a.ticket)
	p, death := s.places[key], s.deaths[key]
	switch {
	case !a.wrote[key]:
		s.failed("%v sets a ticket whose record it has not saved", a)
	case death != nil && death.moment < a.sent:
		s.failed("%v sets the ticket %s, which %v had ended", a, p.name, death.by)
	case death != nil && death.by == a:
		s.failed("%v sets the ticket %s, which it has ended itself", a, p.name)
	case !a.moves() && !a.ends() && a.ticket != a.old && (a.met.state == record || a.inFlight()):
		s.failed("%v begins a session, although its ticket had led to one when it was sent", a)
	case a.moves() && a.met.state == ended && a.inFlight():
		s.failed("%v goes on after the end of its session", a)
	}
}

// follow returns where the session of a key has gone on to.
func (s *schedule) follow(key string) (string, *place) {
	for {
		p := s.places[key]
		if p == nil {
			return key, &place{}
		}
		if p.state != moved {
			return key, p
		}
		key = p.next
	}
}

// origin returns the key of the session that the one under key is a copy of,
// or "" if there is none.
func (s *schedule) origin(key string) string {
	p := s.places[key]
	if p == nil || p.by == nil || !p.by.moves() || p.by.met.state != record {
		return ""
	}
	from := storeKey(p.by.old)
	if old := s.places[from]; p.by.code == http.StatusOK && old.state == moved && old.next != key {
		return "" // another login was faster: it begins with nothing
	}
	if p.by.code == http.StatusOK && s.orphan(from) {
		return "" // likewise, before the half move whose ticket it had
	}
	return from
}

// half reports whether the session under key was made by a move that failed in
// the middle.
func (s *schedule) half(key string) bool {
	p := s.places[key]
	return p != nil && p.by != nil && p.by.moves() && p.by.code != http.StatusOK
}

// orphan reports whether the session under key was made by half a move, of a
// session that has ended or moved elsewhere since: it ends when it is opened.
func (s *schedule) orphan(key string) bool {
	if orphan, known := s.orphans[key]; known {
		return orphan
	}
	from := s.places[s.origin(key)]
	return s.half(key) && from != nil && (from.state == ended || from.state == moved && from.next != key)
}

// replaced yields the keys of the sessions that the one under key has taken the
// place of, or was to.
func (s *schedule) replaced(key string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			p := s.places[key]
			if p == nil || p.by == nil || !p.by.moves() || p.by.old == "" {
				return
			}
			if key = storeKey(p.by.old); !yield(key) {
				return
			}
		}
	}
}

// descends reports whether what was under key from can be under key to.
func (s *schedule) descends(from, to string) bool {
	for to != "" && to != from {
		to = s.origin(to)
	}
	return to == from
}

// ticketOf is the opposite of storeKey.
func ticketOf(key string) string { return strings.TrimPrefix(key, cloakroom.DefaultKeyPrefix) }

func (a *actor) String() string {
	if a == nil {
		return "a later request"
	}
	return a.name
}
