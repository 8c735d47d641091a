package engine

import "context"

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
	switch {
	case s.version.Exists():
		s.draft.ends = append(s.draft.ends, end{s.version.key, s.version.name()})
	case s.unreadable != "": // a program that can read it must not find it
		s.draft.ends = append(s.draft.ends, end{s.unreadable, HandleOf(s.unreadable)})
	case len(s.draft.ends) == 0:
		s.loggedOut = true // there is none: nothing to wait for
	}
	s.unreadable = ""
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
