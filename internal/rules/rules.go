// Package rules is what differs between native and Flask mode: one value,
// always there, which the engine and the edge ask at named points. The root
// package makes the native rules, package flask makes Flask's.
package rules

import (
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
)

// Rules of one Manager. One of IDs and InTicket is set, unless Unavailable is.
type Rules struct {
	// Unavailable, if it is not nil, says why no session can be kept: every one
	// is empty, every change fails with it, and no cookie is touched.
	Unavailable error

	// IDs is what tickets are where sessions are kept in a store.
	IDs IDs
	// InTicket keeps whole sessions in their tickets.
	InTicket Tickets

	// Readers are the codecs of records that others may have written, beside
	// the configured one.
	Readers []codec.Codec
	// Own lets cloakroom keep things of its own beside the values: _created and
	// _cloakroom are names of ours, and what ends in a store leaves a mark there.
	Own bool
	// Permanence says how _permanent is written.
	Permanence ledger.Permanence
	// EmptyEnds ends a session that has been emptied.
	EmptyEnds bool
	// Flash returns a flash message as it stands in the record.
	Flash func(category, message string) any
	// MaxFlashes is how many flash messages that no page shows are kept; zero is
	// no bound.
	MaxFlashes int

	// Use says what moves a session's expiry on.
	Use Use

	// Cookie writes the lines of Set-Cookie.
	Cookie Cookie
	// Candidates is how many well-formed tickets are looked at, of all that the
	// cookies of the session's name hold. Zero means the first cookie alone,
	// whatever it holds.
	Candidates int
	// SlidingCookie makes the cookie last for the idle timeout and go out with
	// each change and each use that counts, as Flask's does. Otherwise it lasts
	// for the lifetime and goes out once.
	SlidingCookie bool
	// AlwaysRemove removes the cookie of an ended session also where the visitor
	// sent none.
	AlwaysRemove bool
	// KeepReads lets caches store answers to requests that only read.
	KeepReads bool

	// What an operator can do, in the words of the configuration at hand.
	AdviceInsecure string // to allow cookies over plain HTTP
	AdviceServer   string // to keep sessions on the server
	AdviceSealed   string // about a sealed record where there are no keys
}

// A Use is what counts as use of a session.
type Use uint8

const (
	// UseAsked: the handler asks for the session.
	UseAsked Use = iota
	// UseChanged: the session is changed.
	UseChanged
	// UseVisited: a request brings its ticket.
	UseVisited
)

// IDs makes tickets that hold the ID of a session in a store.
type IDs interface {
	// New returns a new ID and the ticket that holds it.
	New() (id, ticket string)
	// Of returns the ID in a ticket. It reports false for what no ticket of
	// ours, and no store key, can hold.
	Of(ticket string) (id string, ok bool)
}

// Tickets keeps whole sessions in tickets.
type Tickets interface {
	// Open returns what is in a ticket, expired or not. Its error matches
	// ErrTicket, store.ErrNotFound, seal.ErrOpen, or ErrUndecodable, with which
	// it returns the handle.
	Open(ticket string) (Contents, error)
	// WellFormed reports whether a ticket looks like one of ours. It costs no
	// cryptography.
	WellFormed(ticket string) bool
	// Seal returns the ticket that holds c, and its handle: a new one if
	// c.Handle is empty.
	Seal(c Contents) (ticket, handle string)
}

// Contents is what such a ticket holds.
type Contents struct {
	Data    []byte // a record
	Handle  string
	Expires time.Time
}

// Errors of tickets and records.
var (
	// ErrTicket says that a ticket is not one that this Manager gives out.
	ErrTicket = errors.New("malformed ticket")
	// ErrUndecodable says that a record's bytes make no sense to us. It may be
	// another program's, or damaged: it is left alone.
	ErrUndecodable = errors.New("undecodable record")
)

// A Cookie writes the lines of Set-Cookie.
type Cookie interface {
	// Set returns the line that hands out a ticket at the time now. A life of
	// zero makes it end with the browser.
	Set(ticket string, now time.Time, life time.Duration) string
	// Remove returns the line that deletes the cookie.
	Remove() string
	// Twins returns lines that delete cookies of the same name from other scopes,
	// of which a request for host and path, as they stand in it, may have brought
	// one. It takes no longer for longer ones.
	Twins(host, path string) []string
}

// Apply puts r into a *cloakroom.Options. It is a variable since this package
// cannot import the root package, which sets it in its init: so package flask
// hands in its rules without a field that users see.
var Apply func(options any, r *Rules)
