package engine

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/store"
)

// Regenerate gives the session a new ID when it is committed.
func (s *Session) Regenerate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writable() {
		return
	}
	s.draft.login = true
	if s.version.Exists() {
		s.draft.regenerate = s.draft.Next()
	}
}

// move gives the session a new ID: the new record is durable before the old
// one goes, and the old one goes only if it is still the one that was copied,
// so that no save in between is lost.
func (c *commit) move(ctx context.Context) error {
	prev := c.version
	v, rec, err := c.insert(ctx, &prev)
	if err != nil {
		return err
	}
	if !v.Exists() {
		return c.update(ctx) // nothing is left that needs an ID
	}
	if !rec.Exists() {
		c.dropped(ctx) // its lifetime is over
		return nil
	}
	queue := turn{e: c.e}
	defer queue.pass()
	for {
		_, err := c.e.store.Save(ctx, prev.key, prev.rec, store.Record{})
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrConflict) {
			// Whether the old record is gone is unknown. The new one is sure,
			// so the visitor gets its ticket with the error page.
			c.adopt(v, rec)
			return saveError(err)
		}
		if prev, err = c.newest(ctx, &queue, prev); err == nil && c.outcome != endedElsewhere {
			v, rec, err = c.rewrite(ctx, &prev, v, rec)
		}
		if err != nil || c.outcome == endedElsewhere {
			// The old session lives on, or has been ended: not this way.
			return errors.Join(err, c.withdraw(ctx, v.key))
		}
	}
	if !v.Exists() {
		c.endEmptied(ctx)
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
	if err != nil {
		return v, rec, saveError(err)
	}
	return next, saved, nil
}

// withdraw removes the new record of a move that did not come about.
func (c *commit) withdraw(ctx context.Context, key string) error {
	if err := c.e.store.Delete(ctx, key); err != nil {
		return unavailable("regenerate", err)
	}
	return nil
}
