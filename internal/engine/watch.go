package engine

import (
	"cmp"
	"time"
)

// A watch is what Done gives out. The lock of the Engine's watches guards it.
type watch struct {
	done chan struct{}
	stop func() bool // ends the wait for the end of the request
	key  string      // what is watched; empty while there is no session
	over bool        // done is closed, or nobody listens any more
	met  *marked     // what closed it

	// A commit of the session itself may be about to move it: until that is done
	// an end under the key is only noted.
	held   bool
	missed bool
}

// Done returns a channel that is closed when the session has ended. It is no use
// of it.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready()
	a := s.beside()
	if a.watch != nil && !(a.watch.isClosed() && s.version.Exists()) {
		return a.watch.done
	}
	w := &watch{done: make(chan struct{}), held: s.committing}
	switch {
	case s.phase.returned():
		return w.done
	case !s.version.Exists() && s.fate >= hasEnded:
		close(w.done)
		return w.done
	}
	a.watch, a.dying = w, false
	s.e.watches.begin(w, s.caller())
	if s.version.Exists() {
		s.e.watches.follow(w, &s.version)
	}
	return w.done
}

func (w *watch) isClosed() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// watching returns the watch of s, or nil.
func (s *Session) watching() *watch {
	if s.aside == nil {
		return nil
	}
	return s.aside.watch
}

// notice makes the session empty if its watch has seen its end.
func (s *Session) notice() {
	w := s.watching()
	if w != nil && !s.committing && s.version.Exists() && w.isClosed() {
		s.ended(w.met)
	}
}

// closeWatch tells those who watch that the session has ended.
func (s *Session) closeWatch(m *marked) {
	if w := s.watching(); w != nil {
		s.e.watches.close(w, m)
	}
}

// unwatch ends the watch with its request.
func (s *Session) unwatch() {
	if w := s.watching(); w != nil {
		s.e.watches.drop(w)
	}
}

// beginCommit notes that s itself may be about to move or to end its session.
func (s *Session) beginCommit() {
	s.committing = true
	if w := s.watching(); w != nil {
		s.e.watches.hold(w)
	}
}

// committed is the end of that.
func (s *Session) committed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committing = false
	if w := s.watching(); w != nil {
		s.e.watches.release(w)
	}
}

// destroyWatched notes that the session which is watched is to be ended.
func (s *Session) destroyWatched() {
	s.fate = hasEnded
	if s.watching() != nil {
		s.aside.dying = s.version.Exists()
	}
}

// settleWatch closes the watch of a session that a commit has destroyed.
func (s *Session) settleWatch() {
	if w := s.watching(); w != nil && s.aside.dying && len(s.draft.ends) == 0 {
		s.e.watches.close(w, nil)
	}
}

// follow lets the watch go on with v, which is about to become the version of s.
func (s *Session) follow(v *version) {
	switch w := s.watching(); {
	case w == nil:
	case w.isClosed():
		if watchKey(v) != watchKey(&s.version) { // another session
			s.aside.watch, s.aside.dying = nil, false
		}
	default:
		s.e.watches.follow(w, v)
	}
}

// watchKey names a session to those who watch it: by its store key or, where its
// ticket holds it, by its handle.
func watchKey(v *version) string { return cmp.Or(v.key, v.handle) }

// overAt returns when v ends if nobody uses it; the zero time if never.
func (e *Engine) overAt(v *version, now time.Time) time.Time {
	end, deadline := e.idleEnd(v), e.deadline(&v.Base, now)
	if !deadline.IsZero() && (end.IsZero() || deadline.Before(end)) {
		return deadline
	}
	return end
}

// expired reports whether v, of a ticket that holds its session, is over.
func (e *Engine) expired(v *version, now time.Time) bool {
	end := e.overAt(v, now)
	return !end.IsZero() && !now.Before(end)
}
