package cloakroom

import (
	"context"
	"net/http"
	"time"

	"github.com/cloakroom/cloakroom/internal/edge"
	"github.com/cloakroom/cloakroom/internal/engine"
)

// Hooks are functions that a Manager calls as things happen, to count, trace
// or audit them. Each may be nil. They run within the request, so they should
// be quick; they may be called by many goroutines at once and must not use the
// session of the event.
type Hooks struct {
	// Creating is asked before a new session is saved for the first time, and can
	// refuse it: its error fails the request, whose ErrorHandler gets an error that
	// wraps it, and nothing is stored and no cookie set. By default the answer is 429
	// Too Many Requests. Hooks.Error is told, but nothing is logged. Session.Save
	// returns the error to a handler that can do without a session.
	//
	// It is for visitors whom nobody knows, such as crawlers: it is not asked about a
	// login (Session.Login, Session.Regenerate), about sessions that exist, about what
	// a logout leaves for the next page, nor about sessions of Manager.Open. The
	// request is the one that the handler got, and knows of the client what the
	// middlewares around Manager.Handler have found out.
	Creating func(*http.Request) error

	// Created: a new session has been saved for the first time. A login by a
	// visitor without a session is this, and not Regenerated.
	Created func(context.Context, Event)
	// Loaded: a ticket has been looked up and its session opened.
	Loaded func(context.Context, Event)
	// Saved: changes have been saved to a session that existed.
	Saved func(context.Context, Event)
	// Conflict: a save found that others had changed the session. Err is nil
	// if the changes were merged. It matches ErrNotFound if the session had
	// ended meanwhile, or before the request had reached its handler: its changes
	// were dropped, since what was logged out must not come back.
	Conflict func(context.Context, Event)
	// Touched: an expiry has been moved on.
	Touched func(context.Context, Event)
	// Regenerated: a session has got a new ID; Handle is the new one.
	Regenerated func(context.Context, Event)
	// Destroyed: a session has been ended on purpose.
	Destroyed func(context.Context, Event)
	// Rejected: a visitor's ticket was not accepted. Err matches ErrTicket if
	// it is malformed or the request brings another one that differs (see
	// Options.Transport), ErrNotFound if no live session has it (it may have
	// expired, or be somebody's guess), and seal.ErrOpen if it is not sealed
	// by any of our keys: seal.ErrUnknownKey, if by one that is not listed.
	Rejected func(context.Context, Event)
	// Undecodable: a record could not be read. It is left as it is, and the
	// visitor gets a new session.
	Undecodable func(context.Context, Event)
	// Error: something failed that has been logged, or that the visitor sees
	// as an error page. Flash messages that were dropped are told here too,
	// see Session.Flash: Err matches codec.ErrLimit.
	Error func(context.Context, Event)
}

// An Event says what happened to which session. It holds no secrets.
type Event struct {
	// Handle names the session (see Session.Handle). It is empty where there
	// is none, as for a malformed ticket.
	Handle string
	// Duration is how long the store took, where one was asked.
	Duration time.Duration
	// Size is the size of the record in bytes, where one was read or written.
	Size int
	// Attempts is how often a save was tried: 1 if nobody interfered, 0 where
	// nothing was saved.
	Attempts int
	// Err says what went wrong, or why.
	Err error
}

// wrapped returns the engine's hooks that call h's.
func (h *Hooks) wrapped() engine.Hooks {
	wrap := func(hook func(context.Context, Event)) engine.Hook {
		if hook == nil {
			return nil
		}
		return func(ctx context.Context, ev engine.Event) { hook(ctx, Event(ev)) }
	}
	wrapped := engine.Hooks{
		Created: wrap(h.Created), Loaded: wrap(h.Loaded), Saved: wrap(h.Saved), Conflict: wrap(h.Conflict),
		Touched: wrap(h.Touched), Regenerated: wrap(h.Regenerated), Destroyed: wrap(h.Destroyed),
		Rejected: wrap(h.Rejected), Undecodable: wrap(h.Undecodable), Error: wrap(h.Error),
	}
	if h.Creating != nil {
		wrapped.Creating = func(b engine.Bearer) error { return h.Creating(b.(*edge.Visit).Request()) }
	}
	return wrapped
}
