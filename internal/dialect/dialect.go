// Package dialect is how package flask makes the engine behave as Flask does.
// Options has a field of this type, which only the packages of this module can
// fill: what is in it gives way to Flask where the engine's own ways are safer.
package dialect

import (
	"errors"
	"time"
)

// A Dialect says where the engine departs from its own ways. A session is
// either kept in a store, under the ID that a ticket holds, or in the ticket
// itself, if Seal is set.
type Dialect struct {
	// Null, if set, makes every session empty and is the error of every change.
	Null error

	// NewID returns the ID of a new session.
	NewID func() string
	// Ticket returns what the cookie holds for an ID.
	Ticket func(id string) string
	// ID returns the ID in a ticket. It reports false for what no ticket of
	// ours, and no store key, can hold.
	ID func(ticket string) (string, bool)

	// Seal returns the ticket that holds a record.
	Seal func(record []byte) string
	// Open returns the record in a ticket, and until when that is valid. Its
	// error matches ErrTicket, ErrExpired or ErrPayload.
	Open func(ticket string) (record []byte, expires time.Time, err error)

	// Flash returns a flashed message as it stands in the record.
	Flash func(category, message string) any

	// CookieDomain and CookieFlags are the cookie's attributes, each with its
	// semicolon; the expiry goes between them. DeleteFlags are those of the line
	// that deletes the cookie.
	CookieDomain, CookieFlags, DeleteFlags string

	// Refresh moves the expiry on with every request that brings a ticket, and
	// sends the cookie again if it is permanent (SESSION_REFRESH_EACH_REQUEST).
	Refresh bool

	// PermanentIsValue makes _permanent a value like any other: it alone makes
	// a session that is not empty, and Clear removes it. So it is in Flask's
	// own session, but not in Flask-Session's.
	PermanentIsValue bool
}

// What Open says of tickets that open no session.
var (
	ErrTicket  = errors.New("malformed or not signed by one of the secrets")
	ErrExpired = errors.New("expired")
	ErrPayload = errors.New("signed, but cannot be read")
)

// Storeless reports whether sessions live without a store.
func (d *Dialect) Storeless() bool { return d.Seal != nil || d.Null != nil }
