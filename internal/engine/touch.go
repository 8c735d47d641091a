package engine

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// touch moves the expiry on if it is time, and has the cookie sent again if it
// is time for that. A failure costs the visitor nothing now, and is tried again
// with the next request.
func (c *commit) touch(ctx context.Context) {
	next, due := c.e.touchDue(&c.version, c.now)
	if !due && !c.resend {
		if c.e.Rules.Use == rules.UseVisited {
			c.outcome = notDue
		}
		return
	}
	if c.reload && !c.stillThere(ctx) {
		return
	}
	if c.resend || c.e.outdated(&c.version, c.now) || c.e.unlisted(&c.version, c.now) {
		failed := c.update(ctx)
		if failed == nil {
			return
		}
		c.resend = false
		if m := c.version.Meta; m != nil && m.Idle != c.e.idleTimeout(m) {
			// Its expiry was computed with another timeout than the one that
			// Touch would go by.
			c.e.Report(ctx, c.version.name(), failed)
			return
		}
	}
	err := c.e.store.Touch(ctx, c.version.key, c.version.rec, next)
	switch {
	case err == nil:
		c.version.rec.Expires = next
		c.outcome = touched
		c.fire(ctx, c.e.Hooks.Touched)
	case errors.Is(err, store.ErrNotFound):
		c.outcome = endedElsewhere
	default:
		c.e.Report(ctx, c.version.name(), unavailable("touch", err))
	}
}

// stillThere loads the session again and reports whether it lives.
func (c *commit) stillThere(ctx context.Context) bool {
	v, err := c.e.read(ctx, c.version.key, c.now)
	switch {
	case errors.Is(err, ErrNotFound):
		c.outcome, c.met = endedElsewhere, asMark(err)
		return false
	case err != nil:
		c.e.Report(ctx, c.version.name(), err)
		return false
	}
	v.presented(&c.version)
	c.version = v
	return true
}
