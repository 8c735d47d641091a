package engine

import (
	"context"
	"time"
)

// An end is a session to be ended.
type end struct{ key, handle string }

// Destroy ends the session when it is committed. The Session is empty and new
// from now on.
func (s *Session) Destroy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	if s.version.Exists() {
		s.draft.ends = append(s.draft.ends, end{s.version.key, s.version.name()})
	}
	for len(s.rest) > 0 { // sessions of the visitor's other tickets
		f, err := s.e.find(s.ctx, s.rest, time.Now())
		if err != nil {
			s.fail(err)
			return
		}
		if f.version.Exists() {
			s.draft.ends = append(s.draft.ends, end{f.version.key, f.version.name()})
		}
		s.unreadable = append(s.unreadable, f.unreadable...)
		s.rest = f.rest
	}
	// A program that can read them must not find them.
	s.draft.ends = append(s.draft.ends, s.unreadable...)
	s.unreadable = nil
	if len(s.draft.ends) == 0 {
		s.loggedOut = true // there is none: nothing to wait for
	}
	s.draft.discard()
	s.version = version{}
	s.destroyed = true
}

// end deletes the record of a session. Where its ticket holds it there is
// none, and the cookie's removal has to do.
func (e *Engine) end(ctx context.Context, x end) error {
	ev := Event{Handle: x.handle}
	if x.key != "" {
		start := clock(e.Hooks.Destroyed)
		if err := e.store.Delete(ctx, x.key); err != nil {
			return unavailable("destroy", err)
		}
		ev.Duration = elapsed(start)
	}
	fire(ctx, e.Hooks.Destroyed, ev)
	return nil
}
