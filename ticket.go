package cloakroom

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/cloakroom/cloakroom/internal/engine"
)

// A Ticket is what the visitor keeps, as the value of a cookie: the ID of a
// session, or a whole sealed session. It is a secret, and prints as
// "[redacted]" in fmt, JSON and slog; convert it with string(t) where the real
// value is wanted. The empty Ticket opens a new session.
type Ticket string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (Ticket) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// String returns "[redacted]".
func (Ticket) String() string { return redacted }

// MarshalText returns "[redacted]", for encoding/json and its kin.
func (Ticket) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Ticket) LogValue() slog.Value { return slog.StringValue(redacted) }

// HandleOf returns the handle of the record with a store key, as
// [Session.Handle] does, for tools that list a store.
func HandleOf(storeKey string) string { return engine.HandleOf(storeKey) }
