package engine

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// touch moves the expiry on if it is time. A failure costs the visitor nothing
// now, and is tried again with the next request.
func (c *commit) touch(ctx context.Context) {
	next, due := c.e.touchDue(&c.version, c.now)
	if !due {
		if c.e.Rules.Use == rules.UseVisited {
			c.outcome = notDue
		}
		return
	}
	if c.e.records != nil && !c.e.records.Current(c.version.rec.Data) && c.update(ctx) == nil {
		return // sealed anew, so that the old key can be dropped one day
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
