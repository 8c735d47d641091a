package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// What long requests do with a session: they save it, they load it again, and they
// ask what has become of it.

// A fate is why no session stands behind a Session.
type fate uint8

const (
	unheld   fate = iota // the visitor brought no ticket
	unknown              // nothing is known of the ticket
	hasEnded             // by a logout, say
	hasMoved             // by a login or a Regenerate of somebody else
)

// fate returns what m says of its session; nil if there is no mark.
func (m *marked) fate() fate {
	if m == nil || m.kind == store.MarkEnded {
		return hasEnded
	}
	return hasMoved
}

// over returns the error of f, or nil.
func (f fate) over() error {
	switch f {
	case unknown:
		return errNoSession
	case hasEnded:
		return ErrEnded
	case hasMoved:
		return ErrMoved
	default:
		return nil
	}
}

// Ended returns why there is no session, or nil if there is one or nobody has
// asked for one. It is no use of it.
func (s *Session) Ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready()
	switch {
	case s.version.Exists():
		return nil
	case s.err != nil:
		return s.err
	default:
		return s.fate.over()
	}
}

// Save is a commit in the middle of a request, whose error does not fail the
// session.
func (s *Session) Save() error {
	ctx := s.caller()
	if done, err := s.mayNotSave(); done {
		return err
	}
	_, o, err := s.save(ctx, byTheHandler)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case o == endedElsewhere && err == nil:
		return s.dropped()
	case err == nil || err == s.err: // which has been reported
		return err
	case refused(err):
		s.draft.discard() // it would fail the answer, too
	}
	s.e.Report(ctx, s.version.name(), err)
	return err
}

// mayNotSave reports whether there is nothing that Save could do, and says why.
func (s *Session) mayNotSave() (done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loadedIn == notYet || s.err != nil {
		return true, s.err
	}
	if s.phase.returned() {
		return true, fmt.Errorf("cloakroom: save: %w: the request is over", ErrLate)
	}
	s.notice()
	if m := s.flight(); m != nil && !s.draft.goesOn(m) && len(s.draft.ends) == 0 {
		s.dropInFlight(m)
		return true, s.dropped()
	}
	return !s.draft.pending() && !s.unsettled(), nil
}

// dropped is the error of a Save whose changes have met the end of the session.
func (s *Session) dropped() error {
	return fmt.Errorf("cloakroom: save: %w, and what was changed is dropped", s.fate.over())
}

// Reload loads the session again, and puts what the request has changed on top.
func (s *Session) Reload() error {
	s.commits.Lock()
	defer s.commits.Unlock()
	key, err := s.reloads()
	if key == "" {
		return err
	}
	call := newCallContext(s.ctx, s.e.StoreTimeout, true)
	defer call.close()
	v, err := s.e.read(call, key, time.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.version.key != key: // another goroutine has called Destroy
	case errors.Is(err, ErrNotFound):
		s.ended(asMark(err))
	case err != nil:
		s.e.Report(call, s.version.name(), err)
		return err
	default:
		if err := s.putOn(v); err != nil {
			return err
		}
	}
	return s.over("reload")
}

// reloads returns the store key to load again; "" if there is none, and the error
// says why.
func (s *Session) reloads() (key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.loadedIn == notYet
	s.ready()
	if s.err != nil {
		return "", s.err
	}
	if s.e.inTicket() && s.version.Exists() && s.e.expired(&s.version, time.Now()) {
		s.ended(nil)
	}
	if first || !s.version.Exists() {
		return "", s.over("reload")
	}
	return s.version.key, nil // empty where tickets hold sessions: there is nothing newer
}

// over returns the error of an operation if the session has ended.
func (s *Session) over(op string) error {
	if s.version.Exists() || s.fate < hasEnded {
		return nil
	}
	return fmt.Errorf("cloakroom: %s: %w", op, s.fate.over())
}

// putOn puts the draft on v, a newer version of the session. Functions given to
// Update run again, without the lock, since they may use the session.
func (s *Session) putOn(v version) error {
	v.presented(&s.version)
	before := s.version.key // v's is another one after a renewal
	for range maxUpdates {
		draft := s.draft.Snapshot()
		if err := s.rebase(&draft, &v); err != nil {
			return err
		}
		if s.version.key != before {
			return nil
		}
		if s.draft.Adopt(&draft) {
			s.follow(&v)
			s.version = v
			return nil
		}
	}
	return fmt.Errorf("cloakroom: reload: %w: values changed while functions given to Update ran", ErrConflict)
}

// rebase prepares draft for v, without the lock that its caller holds.
func (s *Session) rebase(draft *ledger.Draft, v *version) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return draft.Rebase(&s.e.style, &v.Base)
}
