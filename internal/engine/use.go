package engine

import (
	"bytes"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// A use of a session counts when it happens. Mostly the commit sees to that,
// which comes soon after. Where a request takes long that would be too late.

var epoch = time.Now()

// sinceStart is a clock for differences, which costs less than time.Now. It never
// says 0.
func sinceStart() time.Duration { return time.Since(epoch) | 1 }

// SetPassive makes what the request reads no use of its session.
func (s *Session) SetPassive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passive = true
}

// firstUse counts the first use within a request. It moves the expiry on at once
// if the request might outlast the session.
func (s *Session) firstUse() {
	s.used = sinceStart()
	if s.err != nil || s.passive || !s.version.Exists() || s.bearer == nil || s.e.inTicket() ||
		s.e.Rules.Use != rules.UseAsked {
		return
	}
	idle, _ := s.e.limits(s.version.Meta)
	if now := time.Now(); idle != NoLimit && s.e.idleEnd(&s.version).Sub(now) < idle/2 {
		s.touch(s.version, now)
	}
}

// useAgain counts another use, long after the last one that counted. That the
// session has ended meanwhile a touch alone would not see, so that it is loaded
// again. A failure costs the visitor nothing.
func (s *Session) useAgain() {
	if s.err != nil || !s.version.Exists() || s.bearer == nil || s.e.inTicket() || s.e.Rules.Use != rules.UseAsked ||
		!s.commits.TryLock() { // a commit counts as well
		return
	}
	defer s.commits.Unlock()
	now := time.Now()
	s.used = sinceStart()
	call := newCallContext(s.ctx, s.e.StoreTimeout, true)
	defer call.close()
	v, err := s.e.read(call, s.version.key, now)
	switch {
	case errors.Is(err, ErrNotFound):
		s.ended(asMark(err))
	case err != nil:
		s.Report(err)
	default:
		v.presented(&s.version)
		if v.key != s.version.key { // renewed elsewhere
			s.follow(&v)
			s.version = v
		}
		if !s.passive {
			s.touch(v, now)
		}
	}
}

// touch moves the expiry of v on if that is due, which is s.version or a newer
// one.
func (s *Session) touch(v version, now time.Time) {
	call := newCallContext(s.ctx, s.e.StoreTimeout, true)
	defer call.close()
	c := commit{e: s.e, now: now, version: v} // the cookie waits for the commit of the answer
	c.touch(call)
	switch c.outcome {
	case endedElsewhere:
		s.ended(c.met)
	case touched:
		s.version.rec.Expires = c.version.rec.Expires
	case stored:
		if s.version.rec.Token == v.rec.Token && bytes.Equal(s.version.rec.Data, v.rec.Data) {
			s.version = c.version
		}
	}
}

// ended makes the session empty, since it has ended elsewhere, and drops what
// the request has changed. It is in flight from now on: what it still changes
// must not begin another session. m is the mark, if one was seen.
func (s *Session) ended(m *marked) {
	if s.draft.pending() && !s.draft.goesOn(m) {
		fire(s.ctx, s.e.Hooks.Conflict, Event{Handle: s.version.name(), Err: ErrNotFound})
	}
	s.empty(m)
}

// empty is ended without the hook.
func (s *Session) empty(m *marked) {
	if m == nil {
		m = &marked{kind: store.MarkEnded, key: s.version.key}
	}
	if !s.e.inTicket() {
		s.beside().flight = m
	}
	s.version, s.found, s.fate = version{}, false, m.fate()
	s.closeWatch(m)
	if !s.draft.goesOn(m) {
		s.draft.discard()
	}
}
