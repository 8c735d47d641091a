package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// update saves the draft to the session's record. If somebody else has changed
// the record since it was read, the draft is applied to the newest one.
func (c *commit) update(ctx context.Context) error {
	prev := c.version
	queue := turn{e: c.e}
	defer queue.pass()
	for {
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
			c.dropped(ctx) // its lifetime is over, so that saving it removed it
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
		if prev, err = c.newest(ctx, &queue, prev); err != nil || c.outcome == endedElsewhere {
			return err
		}
	}
}

// newest reads the newest record after a conflict, and prepares the draft for
// it. It drops the changes if the session has ended.
func (c *commit) newest(ctx context.Context, queue *turn, prev version) (version, error) {
	if err := queue.wait(ctx, prev.key); err != nil {
		return prev, fmt.Errorf("cloakroom: save: %w: %w after %d tries: %w", ErrUnavailable, ErrConflict, c.tries, err)
	}
	c.waited = true
	v, err := c.e.read(ctx, prev.key, c.clock())
	if errors.Is(err, ErrNotFound) {
		c.dropped(ctx)
		return prev, nil
	}
	if err != nil {
		return prev, err
	}
	v.ticket, v.handle = prev.ticket, prev.handle
	return v, c.draft.Rebase(&c.e.style, &v.Base)
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
	c.fire(ctx, c.e.Hooks.Destroyed)
}

// A turn lets one commit of this process at a time try again after a conflict,
// so that many of them do not keep undoing each other's tries. The first try
// takes no turn.
type turn struct {
	e         *Engine
	stripe    chan struct{} // nil until taken
	conflicts int
}

// wait takes the turn at the first conflict, and pauses for a random while at
// later ones: those came from other processes.
func (t *turn) wait(ctx context.Context, key string) error {
	t.conflicts++
	if t.stripe == nil {
		stripe := t.e.stripe(key)
		select {
		case stripe <- struct{}{}:
			t.stripe = stripe
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
	pause := time.Duration(rand.Int64N(int64(min(t.conflicts, 10)))) * 200 * time.Microsecond
	if pause == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stripe returns the lock that commits with conflicting changes of key share.
func (e *Engine) stripe(key string) chan struct{} {
	return e.stripes[maphash.String(e.seed, key)%uint64(len(e.stripes))]
}

// pass lets the next commit try.
func (t *turn) pass() {
	if t.stripe != nil {
		<-t.stripe
	}
}
