package cloakroom

import (
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/engine"
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
	// ErrType says that a value cannot be written by the codec, would not come
	// back as it was set, or is not of the type that was asked for.
	ErrType = codec.ErrType
	// ErrUnavailable says that the store could not be reached or did not
	// answer properly, or that the record is closed to this process (see
	// Options.RecordKeys; a record under a key that is not listed matches
	// seal.ErrUnknownKey, too). The visitor's session may well exist.
	ErrUnavailable = engine.ErrUnavailable
	// ErrLate says that a session was changed when it was too late to tell the
	// visitor: the change needs a new cookie and the header has left, or the
	// request is over. The change was not saved.
	ErrLate = engine.ErrLate
	// ErrTicket says that a ticket is not one that this Manager gives out, or
	// that a request brings two that differ: see Options.Transport.
	ErrTicket = engine.ErrTicket
	// ErrTooManySessions says that a user has as many sessions as
	// Options.MaxPerUser allows, and that another login was refused.
	ErrTooManySessions = engine.ErrTooMany
	// ErrRevoked says that a login has not come about, since the user's sessions
	// were revoked while it was under way.
	ErrRevoked = engine.ErrRevoked
	// ErrEnded says that a session has ended: by a logout or a revocation or, if it
	// was in use when that happened, because it expired. It matches ErrNotFound.
	ErrEnded = engine.ErrEnded
	// ErrMoved says that a session has ended under the visitor's ticket, and goes on
	// under another one after a login or a Regenerate. It matches ErrEnded.
	ErrMoved = engine.ErrMoved
	// ErrReserved says that a name belongs to cloakroom itself.
	ErrReserved = engine.ErrReserved
)
