package engine

import "context"

// end deletes the record of a session. Where its ticket holds it there is
// none, and the cookie's removal has to do.
func (e *Engine) end(ctx context.Context, x end) error {
	ev := Event{Handle: x.handle}
	if x.key != "" {
		start := clock(e.Hooks.Destroyed)
		if err := e.store.Delete(ctx, x.key); err != nil {
			return unavailable("destroy", err)
		}
		ev.Duration = elapsed(start)
	}
	fire(ctx, e.Hooks.Destroyed, ev)
	return nil
}
