package register

import (
	"context"
	"log/slog"

	"github.com/cloakroom/cloakroom"
)

// hooks writes one line for each session that begins, changes its ID or ends.
// The handle is the number on the visitor's ticket.
func (a *app) hooks() cloakroom.Hooks {
	line := func(text string) func(context.Context, cloakroom.Event) {
		return func(ctx context.Context, e cloakroom.Event) {
			a.log.InfoContext(ctx, text, slog.String("session", e.Handle))
		}
	}
	return cloakroom.Hooks{
		Created:     line("session created"),
		Regenerated: line("session regenerated"),
		Destroyed:   line("session destroyed"),
		Rejected: func(ctx context.Context, e cloakroom.Event) {
			a.log.InfoContext(ctx, "ticket not accepted", slog.String("reason", e.Err.Error()))
		},
	}
}
