package engine

import (
	"context"
	"time"
)

// Hooks are called as things happen; each may be nil. The root package's Hooks
// say when.
type Hooks struct {
	Created, Loaded, Saved, Conflict, Touched, Regenerated, Destroyed Hook
	Rejected, Undecodable, Error                                      Hook

	// Creating refuses a new session by its error.
	Creating func(Bearer) error
}

// A Hook gets the context of the request in which something happened.
type Hook func(context.Context, Event)

// An Event says what happened to which session. It holds no secrets.
type Event struct {
	Handle   string
	Duration time.Duration
	Size     int
	Attempts int
	Err      error
}

func fire(ctx context.Context, hook Hook, ev Event) {
	if hook != nil {
		hook(ctx, ev)
	}
}

// clock is time.Now for durations that only a hook wants to know.
func clock(hook Hook) time.Time {
	if hook != nil {
		return time.Now()
	}
	return time.Time{}
}

// elapsed is time.Since for what clock returned.
func elapsed(start time.Time) time.Duration {
	if start.IsZero() {
		return 0
	}
	return time.Since(start)
}
