package cloakroom

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// commit saves what is pending, moves the expiry on if that is due, and leaves
// in s.cookie what the visitor has to be told. The store's calls do not stop
// when ctx is done, only after Options.StoreTimeout: a visitor who hangs up
// does not lose a write.
func (s *Session) commit(ctx context.Context) error {
	s.save.Lock()
	defer s.save.Unlock()
	w, before, late := s.begin(ctx)
	if w == nil {
		return late
	}
	call := newCallContext(ctx, s.m.opts.StoreTimeout, true)
	defer call.close()
	err := w.run(call)
	s.settle(w, before)
	if err == nil {
		err = late
	}
	return err
}

// snapshot is what a commit set out to save.
type snapshot struct {
	draft   draft
	baseGen uint32
}

// begin takes a snapshot of what there is to save; nil if there is nothing. The
// error says why, or what could not go into the snapshot.
func (s *Session) begin(ctx context.Context) (*saving, snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || !s.loaded {
		return nil, snapshot{}, s.err
	}
	if !s.draft.pending() {
		if !s.m.refreshDue(&s.base, time.Now()) || s.headerGone && (s.usedEarly || s.m.tickets != nil) {
			return nil, snapshot{}, nil
		}
	}
	var late error
	if s.headerGone && s.needsCookie() {
		late = fmt.Errorf("cloakroom: save: %w: the change needs a new cookie, and the header has left: "+
			"change the session before the first write", ErrLate)
		s.dropLate()
		if !s.draft.pending() {
			return nil, snapshot{}, late
		}
	}
	w := &saving{m: s.m, base: s.base, draft: s.draft}
	w.draft.changes = slices.Clone(s.draft.changes)
	w.draft.ended = slices.Clone(s.draft.ended)
	w.draft.flash = s.draft.flash.clone()
	return w, snapshot{w.draft, s.baseGen}, late
}

// dropLate drops the changes that would need a cookie. Those that come with a
// new ID go with it: at a login, say, they must not be saved under the old one.
func (s *Session) dropLate() {
	switch {
	case s.m.tickets != nil:
		s.draft = draft{}
	case s.base.exists() && s.draft.regenerate == 0:
		s.draft.permanent = permanence{}
	default:
		s.draft = draft{ended: s.draft.ended} // a logout needs no cookie
	}
}

// needsCookie reports whether saving the draft changes the visitor's ticket or
// how long it lasts.
func (s *Session) needsCookie() bool {
	switch {
	case s.m.tickets != nil:
		return s.draft.pending()
	case !s.base.exists():
		return s.draft.dirty()
	default:
		return s.draft.regenerate != 0 || s.draft.permanent.gen != 0
	}
}

// settle takes over what a commit has done, and keeps what other goroutines
// have changed meanwhile.
func (s *Session) settle(w *saving, before snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draft.ended = s.draft.ended[len(before.draft.ended)-len(w.draft.ended):]
	if w.cookie != cookieKeep {
		s.cookie = w.cookie
	}
	if s.baseGen != before.baseGen { // destroyed meanwhile
		if w.changed {
			s.draft.ended = append(s.draft.ended, ended{w.base.key, w.base.handleText()})
		}
		return
	}
	if w.gone {
		s.base, s.baseGen = base{}, s.baseGen+1
		s.draft = draft{ended: s.draft.ended}
		return
	}
	if w.changed {
		s.base = w.base
	}
	if w.saved {
		s.draft.forget(&before.draft)
	}
}

// forget removes from d what was in an earlier snapshot of it and has been
// saved.
func (d *draft) forget(saved *draft) {
	d.changes = slices.DeleteFunc(d.changes, func(c change) bool {
		old := saved.find(c.name)
		return old != nil && old.gen == c.gen
	})
	for i := range d.changes {
		d.changes[i].goOn(saved)
	}
	if d.cleared == saved.cleared {
		d.cleared = 0
	}
	if d.regenerate == saved.regenerate {
		d.regenerate = 0
	}
	if d.permanent.gen == saved.permanent.gen {
		d.permanent = permanence{}
	}
	d.flash.forget(saved.flash)
}

// goOn makes c, of which an earlier state may have been saved, go on from that:
// the steps that were saved are in the base now, and those since then have to
// run on it, also if it has changed again.
func (c *change) goOn(saved *draft) {
	done := 0
	if old := saved.find(c.name); old != nil {
		if old.ground != c.ground {
			return
		}
		done = len(old.steps)
	} else if c.ground == 0 || c.ground != saved.cleared {
		return
	}
	c.steps, c.from, c.ground = c.steps[done:], nil, 0
}

// forget is draft.forget for flash messages.
func (f *flashes) forget(saved *flashes) {
	if f == nil || saved == nil {
		return
	}
	in := func(list []flashItem) func(flashItem) bool {
		return func(x flashItem) bool {
			return slices.ContainsFunc(list, func(y flashItem) bool { return x.order == y.order })
		}
	}
	for _, item := range saved.added {
		if !in(f.added)(item) { // taken since: it is in the record now
			f.taken = append(f.taken, item)
		}
	}
	f.added = slices.DeleteFunc(f.added, in(saved.added))
	f.taken = slices.DeleteFunc(f.taken, in(saved.taken))
	if !f.dirty() {
		f.stored, f.parsed = nil, false // read them anew from the base
	}
}
