package engine

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/store"
)

// update saves the draft to the session's record. If somebody else has changed
// the record since it was read, the draft is applied to the newest one.
func (c *commit) update(ctx context.Context) error {
	prev := c.version
	queue := turn{e: c.e}
	defer queue.pass()
	var err error
	if c.e.queues.busy(prev.key) { // nobody goes past those who wait
		if prev, err = c.newest(ctx, &queue, prev); err != nil {
			return c.over(ctx, err)
		}
	}
	for {
		if c.e.aged(&prev, c.clock()) {
			c.dropped(ctx)
			return nil
		}
		if err := c.relist(ctx, &prev); err != nil {
			return err
		}
		c.tries++
		v, err := c.next(&prev, prev.key)
		if err != nil {
			return err
		}
		rec, err := c.e.store.Save(ctx, prev.key, prev.rec, v.rec)
		switch {
		case err == nil && !v.Exists():
			c.endEmptied(ctx)
			return nil
		case err == nil && !rec.Exists():
			c.dropped(ctx) // it has expired, so that saving it removed it
			return nil
		case err == nil:
			c.adopt(v, rec)
			if c.tries > 1 {
				c.fire(ctx, c.e.Hooks.Conflict)
			}
			c.fire(ctx, c.e.Hooks.Saved)
			return nil
		case !errors.Is(err, store.ErrConflict):
			return saveError(err)
		}
		if prev, err = c.newest(ctx, &queue, prev); err != nil {
			return c.over(ctx, err)
		}
	}
}

// newest reads the newest record after a conflict, and prepares the draft for
// it. Its error matches ErrNotFound if the session has ended.
func (c *commit) newest(ctx context.Context, queue *turn, prev version) (version, error) {
	if err := queue.wait(ctx, prev.key); err != nil {
		return prev, outOfTurns(c.tries, err)
	}
	c.waited = true
	v, err := c.e.read(ctx, prev.key, c.clock())
	if err != nil {
		return prev, err
	}
	v.presented(&prev)
	return v, c.draft.Rebase(&c.e.style, &v.Base)
}

// over notes that the session has ended, if that is what err says, and returns it
// otherwise.
func (c *commit) over(ctx context.Context, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	c.met = asMark(err)
	c.dropped(ctx)
	return nil
}

// dropped notes that the session has ended meanwhile, and its changes with it.
func (c *commit) dropped(ctx context.Context) {
	c.outcome = endedElsewhere
	if hook := c.e.Hooks.Conflict; hook != nil {
		ev := c.event()
		ev.Err = ErrNotFound
		hook(ctx, ev)
	}
}

// endEmptied notes that the changes have left nothing in a session that existed.
func (c *commit) endEmptied(ctx context.Context) {
	c.outcome = emptied
	c.e.watches.ended(c.version.key, nil)
	c.fire(ctx, c.e.Hooks.Destroyed)
}
