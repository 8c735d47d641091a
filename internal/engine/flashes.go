package engine

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// boundFlashes bounds the messages of visitors who ask for pages that flash and
// for none that shows. They would fill the session until it cannot be saved any
// more; so they get no more than half of what it may take.
func (e *Engine) boundFlashes() {
	if e.Rules.MaxFlashes == 0 {
		return
	}
	e.style.MaxFlashes = e.Rules.MaxFlashes
	if e.style.MaxFlashBytes = e.MaxSize / 2; e.inTicket() {
		e.style.MaxFlashBytes = min(e.style.MaxFlashBytes, e.MaxTicket/2)
	}
}

// reportFlashes tells about messages that were dropped. It says how many, and
// nothing of what they said.
func (c *commit) reportFlashes(ctx context.Context) {
	n := c.draft.DroppedFlashes()
	if n == 0 || c.outcome != stored {
		return
	}
	c.e.Report(ctx, c.version.name(), store.WithAdvice(
		fmt.Errorf("cloakroom: flash: %w: %d messages that no page has shown were dropped, the oldest", codec.ErrLimit, n),
		"see which handler calls Flash where no page with Flashes follows"))
}
