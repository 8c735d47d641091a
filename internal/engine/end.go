package engine

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// maxEndTries is how often the mark of an end is put in the place of what was read,
// before a session that others keep changing is deleted. Between that and its mark
// its ticket is unknown, so that it is the last resort.
const maxEndTries = 8

// An end is a session to be ended.
type end struct {
	key, handle string
	rec         store.Record  // as it was read; zero if it has to be read first
	prev        []ledger.Prev // records that it has taken the place of
	until       time.Time     // when it could have lived to
	again       bool          // it has ended: what is left to do is to be done

	// Of a revocation: whose session it is, and which are to be left alone that
	// it may have moved on to.
	user   string
	spared map[string]bool

	renewals bool // are followed, also where other marks are not
}

// endOf returns the end of v.
func (e *Engine) endOf(v *version) end {
	x := end{key: v.key, handle: v.name(), rec: v.rec, until: e.deadline(&v.Base, time.Now())}
	if v.Meta != nil {
		x.prev = v.Meta.Prev
	}
	return x
}

// Destroy ends the sessions of all tickets of the request, when it is
// committed. The Session is empty and new from now on.
func (s *Session) Destroy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	if s.version.Exists() {
		s.draft.ends = append(s.draft.ends, s.e.endOf(&s.version))
	}
	if m := s.flight(); m != nil && m.kind == store.MarkMoved { // on its way when the session moved on
		s.draft.ends = append(s.draft.ends, end{key: m.next, handle: HandleOf(m.next)})
	}
	if !s.endAside() {
		return
	}
	if len(s.draft.ends) == 0 {
		s.loggedOut = true // there is none: nothing to wait for
	} else {
		s.destroyWatched()
	}
	s.draft.discard()
	if s.e.style.Meta != nil {
		s.draft.Part()
	}
	s.version, s.found = version{}, false
	s.destroyed = true
}

// endAside notes the ends of what the visitor's other tickets lead to.
func (s *Session) endAside() bool {
	a := s.aside
	if a == nil {
		return true
	}
	for len(a.rest) > 0 {
		f, err := s.e.find(s.ctx, a.rest, time.Now(), true)
		if err != nil {
			s.fail(err)
			return false
		}
		if f.version.Exists() {
			s.draft.ends = append(s.draft.ends, s.e.endOf(&f.version))
		}
		a.unended = append(a.unended, f.unended...)
		a.rest = f.rest
	}
	s.draft.ends = append(s.draft.ends, a.unended...)
	a.unended, a.flight = nil, nil
	return true
}

// end ends a session for good: what a request in flight saves is dropped. Where
// its ticket holds it there is no record, and the cookie's removal has to do.
func (e *Engine) end(ctx context.Context, x end) error {
	start := clock(e.Hooks.Destroyed)
	if err := e.endRecord(ctx, x); err != nil {
		return err
	}
	if !x.again {
		fire(ctx, e.Hooks.Destroyed, Event{Handle: x.handle, Duration: elapsed(start)})
	}
	return nil
}

func (e *Engine) endRecord(ctx context.Context, x end) error {
	switch {
	case x.key == "":
		return nil
	case !e.marks():
		if err := e.store.Delete(ctx, x.key); err != nil {
			return unavailable("destroy", err)
		}
		e.watches.ended(x.key, nil)
		return nil
	}
	// What it has replaced first, since only its own record tells of that. If that
	// fails the session ends all the same, and its mark tells of it.
	prev, err := e.own(ctx, &x)
	if err != nil {
		return err
	}
	left, failed := e.endPrev(ctx, prev)
	if err := e.putEnd(ctx, &x, left, maxFollow); err != nil {
		return err
	}
	return failed
}

// own returns the records that the one of x has taken the place of, but in a
// revocation those of others: they live on where a login over them has failed half
// way.
func (e *Engine) own(ctx context.Context, x *end) ([]ledger.Prev, error) {
	if x.user == "" || len(x.prev) == 0 {
		return x.prev, nil
	}
	var own []ledger.Prev
	for _, p := range x.prev {
		v, err := e.latest(ctx, p.Key)
		switch {
		case err == nil && v.Meta.User() != x.user, isClosed(err): // one of his is listed by itself
			continue
		case errors.Is(err, ErrUnavailable):
			return nil, err
		}
		own = append(own, p)
	}
	return own, nil
}

// endPrev ends the records that another one has taken the place of. It returns
// those that it could not end, and why.
func (e *Engine) endPrev(ctx context.Context, prev []ledger.Prev) (left []ledger.Prev, failed error) {
	for _, p := range prev {
		x := end{key: p.Key, renewals: store.MarkKind(p.Kind) != store.MarkRenewed}
		if err := e.putEnd(ctx, &x, nil, 0); err != nil {
			left, failed = append(left, p), err
		}
	}
	return left, failed
}

// putEnd puts the mark of an end under x.key and, where the session has moved,
// under up to follow keys to which it leads. With none to follow any mark will
// do that lies there already.
func (e *Engine) putEnd(ctx context.Context, x *end, left []ledger.Prev, follow int) (failed error) {
	rec := x.rec
	queue := turn{e: e}
	defer queue.pass()
	defer e.watches.endedUnless(&failed, x.key)
	for try := range maxEndTries + 1 {
		if !rec.Exists() || try > 0 {
			var err error
			rec, err = e.store.Load(ctx, x.key)
			switch {
			case errors.Is(err, store.ErrNotFound):
				rec = store.Record{}
			case err != nil:
				return unavailable("destroy", err)
			}
			err = e.readMark(x.key, rec)
			switch m := asMark(err); {
			case m != nil && follow <= 0 && (m.kind != store.MarkRenewed || !x.renewals || follow < -maxFollow):
				return nil
			case m != nil && m.kind != store.MarkEnded:
				if m.next == "" {
					return nil
				}
				if x.user != "" {
					return e.endListed(ctx, x.user, m.next, x.spared)
				}
				return e.putEnd(ctx, &end{key: m.next, until: x.until, renewals: x.renewals}, left, follow-1)
			case m != nil:
				if len(m.left) == 0 && len(left) == 0 {
					return nil
				}
				// An end that was not finished goes on.
				rest, failed := e.endPrev(ctx, m.left)
				if len(rest) > 0 {
					return failed
				}
			case err != nil:
				return err
			}
		}
		if try == maxEndTries {
			break
		}
		_, err := e.store.Save(ctx, x.key, rec, e.endMark(x, left, rec))
		if err == nil {
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return unavailable("destroy", err)
		}
		if err := queue.wait(ctx, x.key); err != nil {
			return unavailable("destroy", err)
		}
	}
	// A session that is always being changed is deleted. If it has moved in this
	// very moment, its mark goes with it, and where it went on lives.
	if err := e.store.Delete(ctx, x.key); err != nil {
		return unavailable("destroy", err)
	}
	_, err := e.store.Save(ctx, x.key, store.Record{}, e.endMark(x, left, rec))
	if err != nil && !errors.Is(err, store.ErrConflict) { // somebody else's mark is as good
		return unavailable("destroy", err)
	}
	return nil
}

// endMark returns the mark of an end. One that tells of records which are still to
// be ended stays as long as they can live.
func (e *Engine) endMark(x *end, left []ledger.Prev, rec store.Record) store.Record {
	if len(left) == 0 {
		return e.mark(store.MarkEnded, x.key, nil, time.Time{}, time.Now())
	}
	until := rec.Expires
	if x.until.After(until) {
		until = x.until
	}
	return e.mark(store.MarkEnded, x.key, appendLeft(nil, left), until, time.Now())
}
