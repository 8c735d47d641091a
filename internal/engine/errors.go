package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/store"
)

// Errors that the root package publishes, where it says what they mean.
var (
	ErrNotFound    = store.ErrNotFound
	ErrConflict    = store.ErrConflict
	ErrTicket      = rules.ErrTicket
	ErrUnavailable = errors.New("session store unavailable")
	ErrLate        = errors.New("session changed too late")
	ErrReserved    = errors.New("reserved name")
	ErrTooMany     = errors.New("too many sessions")
	ErrRevoked     = errors.New("revoked")
	ErrEnded       = error(&overError{"the session has ended", ErrNotFound})
	ErrMoved       = error(&overError{"the session has moved to another ticket", ErrEnded})
)

// errNoSession is the ErrNotFound of a ticket, in words of sessions: the store's speak
// of records.
var errNoSession = error(&overError{"no session: nothing is known of the ticket", ErrNotFound})

// An overError says that a session is over, and matches what says so in fewer
// words.
type overError struct {
	text  string
	wider error
}

func (e *overError) Error() string { return e.text }

func (e *overError) Unwrap() error { return e.wider }

// ErrRefused says that the store's limit is too low for the session, which is
// the operator's to change, unlike Options.MaxSize.
var ErrRefused = errors.New("the store refuses the record")

// unavailable marks err as the store's failure in operation op. Where the time
// was up before the store was asked, it has no advice of its own.
func unavailable(op string, err error) error {
	failed := fmt.Errorf("cloakroom: %s: %w: %w", op, ErrUnavailable, err)
	if errors.Is(err, context.DeadlineExceeded) && store.Advice(err) == "" {
		return store.WithAdvice(failed, "The store did not answer within Options.StoreTimeout: see whether it is overloaded or out of reach; the service goes on by itself.")
	}
	return failed
}

// ErrGone says that a commit found nobody to hand a new ticket to.
var ErrGone = errors.New("nobody waits for the answer any more")

// ErrNotCreated says that Hooks.Creating has refused a new session.
var ErrNotCreated = errors.New("no new session for this visitor")

// errRevoked is the error of a login that a revocation has overtaken.
var errRevoked = store.WithAdvice(fmt.Errorf("cloakroom: login: %w: the user's sessions were revoked at the same time", ErrRevoked),
	"The user can log in again.")

func goneError(ctx context.Context) error {
	err := fmt.Errorf("cloakroom: save: %w, and the change needs a new ticket: %w", ErrGone, ctx.Err())
	if errors.Is(err, context.DeadlineExceeded) {
		err = store.WithAdvice(err, "A deadline around the Manager's Handler has passed: http.TimeoutHandler goes inside the Handler.")
	}
	return err
}

func saveError(err error) error {
	if errors.Is(err, store.ErrTooLarge) {
		return fmt.Errorf("cloakroom: save: %w: %w", ErrRefused, err)
	}
	return unavailable("save", err)
}
