package cloakroom

import (
	"fmt"
	"iter"
	"slices"

	"github.com/cloakroom/cloakroom/codec"
)

// raw returns the bytes of a value and their codec; nil if there is none.
func (s *Session) raw(name string) ([]byte, codec.Codec) {
	if c := s.draft.find(name); c != nil {
		return c.raw, s.m.opts.Codec
	}
	if s.draft.cleared != 0 {
		return nil, nil
	}
	return s.base.find(name)
}

// lookup is raw for callers without the lock.
func (s *Session) lookup(name string) ([]byte, codec.Codec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil, nil
	}
	return s.raw(name)
}

// Get returns the value of name, or nil if there is none. Numbers come as
// int64, uint64 or float64, lists as []any, dictionaries as map[string]any,
// whatever they were set as; use a [Key] to get a certain type. Changing what
// Get returned does not change the session: Set it again.
func (s *Session) Get(name string) any {
	v, _ := Key[any](name).Get(s)
	return v
}

// Has reports whether the session has a value called name.
func (s *Session) Has(name string) bool {
	raw, _ := s.lookup(name)
	return raw != nil
}

// Set puts v into the session under name. It is encoded at once: later changes
// to what v points to are not seen. A v that cannot be encoded, or one of
// cloakroom's own names (_created, _permanent, _flashes), makes the request
// fail, see Err.
func (s *Session) Set(name string, v any) {
	raw, err := s.m.opts.Codec.Marshal(nil, v)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
	case err != nil:
		s.fail(fmt.Errorf("cloakroom: set %T: %w", v, err))
	case s.m.reserved(name):
		s.fail(fmt.Errorf("cloakroom: set: %w: use Flash or SetPermanent", ErrReserved))
	default:
		gen := s.nextGen()
		s.draft.put(change{name: name, raw: raw, ground: gen, gen: gen})
	}
}

// Delete removes the value of name. That there is none is fine.
func (s *Session) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() || s.m.reserved(name) {
		return
	}
	if raw, _ := s.raw(name); raw != nil {
		gen := s.nextGen()
		s.draft.put(change{name: name, ground: gen, gen: gen})
	}
}

// Pop is Get followed by Delete.
func (s *Session) Pop(name string) any {
	v, _ := Key[any](name).Pop(s)
	return v
}

// maxUpdates is how often update runs a function on values that have changed
// when it is done. Other goroutines of the request do that a few times, a
// function that changes the value itself does it for ever.
const maxUpdates = 1000

// update runs st on the present value of name and remembers it for a newer
// one. st runs without the lock, since it may use the session; if the value
// has changed by then, it runs again.
func (s *Session) update(name string, st step) {
	for range maxUpdates {
		before, c := s.lookup(name)
		if s.Err() != nil {
			return
		}
		after, err := st(c, before)
		if s.tryUpdate(name, before, after, err, st) {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(fmt.Errorf("cloakroom: update: %w: the value changed while the function ran, %d times: does the function change it itself?",
		ErrConflict, maxUpdates))
}

func (s *Session) tryUpdate(name string, before, after []byte, err error, st step) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.writable():
		return true
	case s.m.reserved(name):
		s.fail(fmt.Errorf("cloakroom: update: %w", ErrReserved))
		return true
	case err != nil:
		s.fail(err)
		return true
	}
	if now, _ := s.raw(name); !sameBytes(now, before) {
		return false
	}
	c := change{name: name, raw: after, steps: []step{st}, gen: s.nextGen()}
	switch old := s.draft.find(name); {
	case old != nil:
		c.steps, c.from, c.ground = append(slices.Clip(old.steps), st), old.from, old.ground
	case s.draft.cleared != 0:
		c.ground = s.draft.cleared
	default:
		c.from = before
	}
	s.draft.put(c)
	return true
}

// sameBytes reports whether a and b are the same slice: values are never
// changed in place, so nothing has happened to one that is.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}

// Keys returns the names of the session's values, in the order in which they
// were first set.
func (s *Session) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readable() {
		return nil
	}
	var names []string
	if s.draft.cleared == 0 {
		for i := range s.base.fields {
			f := &s.base.fields[i]
			if f.Name == nil || s.m.reserved(string(f.Name)) {
				continue
			}
			if c := s.draft.find(string(f.Name)); c == nil || c.raw != nil {
				names = append(names, string(f.Name))
			}
		}
	}
	for i := range s.draft.changes {
		c := &s.draft.changes[i]
		if old, _ := s.base.find(c.name); c.raw != nil && (old == nil || s.draft.cleared != 0) {
			names = append(names, c.name)
		}
	}
	return names
}

// Len returns how many values the session has.
func (s *Session) Len() int { return len(s.Keys()) }

// All yields the names and values of the session, as Keys and Get return them.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, name := range s.Keys() {
			if !yield(name, s.Get(name)) {
				return
			}
		}
	}
}

// Clear removes all values and flash messages. The session keeps its ID and
// its age; to log somebody out use Destroy.
func (s *Session) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	s.draft.changes = nil
	s.draft.cleared = s.nextGen()
	if f := s.draft.flash; f != nil {
		f.stored, f.added, f.taken = nil, nil, nil
		f.parsed = true
	}
	if s.m.permanentIsValue() {
		s.draft.permanent = permanence{}
	}
}
