package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/store"
)

// Regenerate gives the session a new ID when it is committed.
func (s *Session) Regenerate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable() {
		s.arrive()
	}
}

// arrive has the session get a new ID, since somebody logs in. What followed a
// logout is from then on as permanent as other sessions.
func (s *Session) arrive() {
	s.draft.login = true
	s.draft.Arrive()
	if s.e.parts(&s.version, &s.draft) {
		s.draft.SetPermanent(true)
	}
	if s.version.Exists() || s.flight() != nil {
		s.draft.regenerate = s.draft.Next()
	}
}

var errUnsettled = errors.New("the record under the former ID still has to be ended, and that failed")

// move gives the session a new ID, in three steps: the new record is saved, with
// the key of the old one in it; the old one is replaced by a mark, if it is still
// the one that was copied, so that no save in between is lost; the new one
// forgets the old one. Whoever opens the new record before the last step does
// the rest of them, and so does its end: see [Engine.settle] and
// [Engine.endRecord].
func (c *commit) move(ctx context.Context) error {
	prev := c.version
	if c.e.aged(&prev, c.clock()) {
		return c.moveFromNothing(ctx)
	}
	if prev.unsettled() {
		return unavailable("regenerate", errUnsettled)
	}
	c.moves = true
	v, rec, err := c.insert(ctx, &prev, prev.key)
	if err != nil {
		return c.over(ctx, err)
	}
	if !v.Exists() {
		c.moves = false
		return c.update(ctx) // nothing is left that needs an ID
	}
	if !rec.Exists() {
		c.dropped(ctx) // it has expired
		return nil
	}
	queue := turn{e: c.e}
	defer queue.pass()
	for {
		left := c.leave(&prev, v.key)
		settled, err := c.replace(ctx, &prev, left, v, rec)
		if err == nil {
			c.e.watches.replaced(prev.key, left)
			v, rec = settled, settled.rec
			break
		}
		if !errors.Is(err, store.ErrConflict) {
			// Whether the old record is gone is unknown. The new one is sure,
			// so the visitor gets its ticket with the error page.
			c.adopt(v, rec)
			return saveError(err)
		}
		prev, err = c.newest(ctx, &queue, prev)
		m := asMark(err)
		switch {
		case m != nil && m.next == v.key:
			// Our own: the store has done what it was asked twice.
			return c.forgetOld(ctx, v, rec)
		case errors.Is(err, ErrUnavailable):
			// It may be our own, too.
			c.adopt(v, rec)
			return err
		case errors.Is(err, ErrNotFound) && c.draft.goesOn(m):
			// Another login was faster, or a logout. This one begins with nothing:
			// what the session had belongs to the other one, unless that is the same
			// user's.
			return c.restart(ctx, m, v, rec)
		case errors.Is(err, ErrNotFound):
			c.dropped(ctx)
		case err == nil:
			if v, rec, err = c.rewrite(ctx, &prev, v, rec); isMark(err) {
				c.dropped(ctx)
			}
		}
		if err != nil {
			// The old session lives on, or has been ended: not this way.
			return errors.Join(notFoundIsFine(err), c.withdraw(ctx, v, rec))
		}
	}
	if !v.Exists() {
		c.endEmptied(ctx)
		return nil
	}
	return c.forgetOld(ctx, v, rec)
}

// replace puts what is left in the place of the old record, if that is still the one
// that was copied, and returns the new one: without its predecessor where the store
// can save both at once.
func (c *commit) replace(ctx context.Context, prev *version, left store.Record, v version, rec store.Record) (version, error) {
	v.rec = rec
	if c.e.batch != nil && v.unsettled() {
		settled, err := c.e.rewritten(v, v.Base, nil, c.now)
		if err != nil {
			return v, err
		}
		saved, err := c.e.batch.SaveAll(ctx, []store.Change{
			{Key: prev.key, Prev: prev.rec, Next: left},
			{Key: v.key, Prev: rec, Next: settled.rec},
		})
		switch {
		case err == nil:
			settled.rec = saved[1]
			return settled, nil
		case !errors.Is(err, store.ErrUnsupported):
			return v, err
		}
	}
	_, err := c.e.store.Save(ctx, prev.key, prev.rec, left)
	return v, err
}

func notFoundIsFine(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// leave returns what a move leaves in the place of the old record.
func (c *commit) leave(prev *version, successor string) store.Record {
	if !c.e.marks() {
		return store.Record{}
	}
	return c.e.mark(store.MarkMoved, prev.key, []byte(successor), time.Time{}, time.Now())
}

// forgetOld is the last step of a move.
func (c *commit) forgetOld(ctx context.Context, v version, rec store.Record) error {
	v.rec = rec
	if v.Meta != nil && len(v.Meta.Prev) > 0 {
		settled, err := c.e.rewrite(ctx, v, v.Base, nil, c.now)
		if errors.Is(err, ErrConflict) { // whoever has opened it already has settled it
			settled, err = c.e.fetch(ctx, v.key)
			settled.ticket, settled.handle = v.ticket, v.handle
		}
		switch {
		case errors.Is(err, ErrNotFound) && c.draft.LogsIn():
			return errRevoked
		case errors.Is(err, ErrNotFound):
			c.dropped(ctx) // a logout has followed the mark
			return nil
		case err != nil:
			c.adopt(v, rec)
			return err
		}
		v = settled
	}
	c.adopt(v, v.rec)
	c.fire(ctx, c.e.Hooks.Regenerated)
	return nil
}

// moveFromNothing does what is to be done where the session has just ended.
func (c *commit) moveFromNothing(ctx context.Context) error {
	if !c.draft.LogsIn() {
		c.dropped(ctx)
		return nil
	}
	if err := c.draft.Rebase(&c.e.style, &ledger.Base{}); err != nil {
		return err
	}
	return c.create(ctx)
}

// restart overwrites the new record of a move with one that comes of the draft
// and of what a login inherits at the mark m.
func (c *commit) restart(ctx context.Context, m *marked, v version, rec store.Record) error {
	c.moves = false
	base, err := c.inherited(ctx, m)
	if err == nil {
		err = c.draft.Rebase(&c.e.style, &base.Base)
	}
	if err != nil {
		return errors.Join(err, c.withdraw(ctx, v, rec))
	}
	v, rec, err = c.rewrite(ctx, &base, v, rec)
	if isMark(err) {
		c.dropped(ctx)
		return nil
	}
	if err != nil {
		return errors.Join(err, c.withdraw(ctx, v, rec))
	}
	if !v.Exists() {
		c.outcome = endedElsewhere
		return nil
	}
	c.adopt(v, rec)
	c.fire(ctx, c.e.Hooks.Regenerated)
	return nil
}

// rewrite overwrites the new record of a move with what comes of a newer prev.
func (c *commit) rewrite(ctx context.Context, prev *version, v version, rec store.Record) (version, store.Record, error) {
	next, err := c.next(prev, v.key)
	if err != nil {
		return v, rec, err
	}
	next.ticket = v.ticket
	saved, err := c.e.store.Save(ctx, v.key, rec, next.rec)
	if errors.Is(err, store.ErrConflict) && (next.Meta.User() != "" || v.Meta.User() != "") { // it is listed
		saved, err = c.lookAfter(ctx, v.key, next.rec)
		return next, saved, err
	}
	if err != nil {
		return v, rec, saveError(err)
	}
	return next, saved, nil
}

// withdraw ends the new record of a move that did not come about.
func (c *commit) withdraw(ctx context.Context, v version, rec store.Record) error {
	x := end{key: v.key, rec: rec}
	if err := c.e.endRecord(ctx, x); err != nil {
		return fmt.Errorf("cloakroom: regenerate: %w", err)
	}
	return nil
}
