package cloakroom

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// Errors that callers branch on, with errors.Is. Those of the store and the
// codec are the same values as in their packages.
var (
	// ErrNotFound says that there is no live session for a ticket.
	ErrNotFound = store.ErrNotFound
	// ErrConflict says that a session was changed so often by others that the
	// save ran out of time.
	ErrConflict = store.ErrConflict
	// ErrTooLarge says that a session does not fit: into Options.MaxSize, the
	// store's limit, or a cookie.
	ErrTooLarge = store.ErrTooLarge
	// ErrUnsupported says that the store cannot do what was asked.
	ErrUnsupported = store.ErrUnsupported
	// ErrType says that a value cannot be written by the codec, or is not of
	// the type that was asked for.
	ErrType = codec.ErrType
	// ErrUnavailable says that the store could not be reached or did not
	// answer properly. The visitor's session may well exist.
	ErrUnavailable = errors.New("session store unavailable")
	// ErrLate says that a session was changed when it was too late to tell the
	// visitor: the change needs a new cookie and the header has left, or the
	// request is over. The change was not saved.
	ErrLate = errors.New("session changed too late")
	// ErrTicket says that a ticket is not one that this Manager gives out.
	ErrTicket = errors.New("malformed ticket")
	// ErrReserved says that a name belongs to cloakroom itself.
	ErrReserved = errors.New("reserved name")
)

// unavailable marks err as the store's failure in operation op. Where the time
// was up before the store was asked, it has no advice of its own.
func unavailable(op string, err error) error {
	failed := fmt.Errorf("cloakroom: %s: %w: %w", op, ErrUnavailable, err)
	if errors.Is(err, context.DeadlineExceeded) && store.Advice(err) == "" {
		return store.WithAdvice(failed, "The store did not answer within Options.StoreTimeout: see whether it is overloaded or out of reach; the service goes on by itself.")
	}
	return failed
}
