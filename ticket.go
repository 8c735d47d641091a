package cloakroom

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// A Ticket is what the visitor keeps, as the value of a cookie: the ID of a
// session, or a whole sealed session. It is a secret: it prints as "[redacted]"
// in fmt and slog, and encoding/json refuses it; convert it with string(t) where
// the real value is wanted. As a key of a map encoding/json writes it in clear, as
// it does all strings there: do not make it one. fmt calls no methods of unexported fields, so that
// what is printed should hold no Ticket in one. The empty Ticket opens a new
// session.
type Ticket string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (Ticket) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// String returns "[redacted]".
func (Ticket) String() string { return redacted }

// MarshalText returns an error, for encoding/json and its kin: a redacted ticket
// would be kept in place of the real one, and open nothing.
func (Ticket) MarshalText() ([]byte, error) {
	return nil, errors.New("cloakroom: a Ticket is a secret, and is not encoded by accident: " +
		"where the client is meant to get it, make the field a string and set it to string(t)")
}

// LogValue returns "[redacted]".
func (Ticket) LogValue() slog.Value { return slog.StringValue(redacted) }

// HandleOf returns the handle of the record with a store key, as
// [Session.Handle] does, for tools that list a store.
func HandleOf(storeKey string) string { return engine.HandleOf(storeKey) }

// IsUserKey reports whether the record with a store key is a user's, which lists his
// sessions or, in Options.Revocations, tells which are revoked, rather than a
// session's or its mark, for tools that list a store. In Flask mode, which has no
// users, it may be wrong: if SESSION_KEY_PREFIX ends in "user:" or "epoch:".
func IsUserKey(storeKey string) bool { return engine.IsUserKey(storeKey) }
