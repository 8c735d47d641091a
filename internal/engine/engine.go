// Package engine keeps sessions: it loads, commits, creates, merges, moves,
// touches, ends and seals them. It knows stores and contexts, and no HTTP.
//
// An [Engine] serves all sessions of a Manager; a [Session] is one visitor's
// during one request. What is in a session and what a change does to it is
// package ledger's; what is Flask's way rather than ours is package rules'.
package engine

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/ledger"
	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// NoLimit as a duration in a Config switches that limit off.
const NoLimit time.Duration = -1

// Config is what an Engine goes by. The root package has checked it and filled
// in the defaults.
type Config struct {
	IdleTimeout   time.Duration
	Lifetime      time.Duration
	TouchInterval time.Duration
	AnonymousIdle time.Duration // of sessions that nobody has logged in to; 0 if IdleTimeout
	Permanent     bool          // new sessions
	CookieName    string
	KeyPrefix     string
	PlainIDs      bool
	Codec         codec.Codec
	MaxSize       int
	MaxTicket     int // bytes of a ticket that browsers keep
	StoreTimeout  time.Duration
	WatchInterval time.Duration

	// The upper limits of what a session may have of its own.
	MaxIdleTimeout, MaxLifetime time.Duration

	RenewEvery time.Duration // after which a session gets a new ID; 0 if never

	MaxPerUser    int  // sessions of one user
	RefuseOverMax bool // a login beyond that is refused; otherwise the oldest is ended

	Hooks  Hooks
	Logger *slog.Logger // nil means slog.Default
	Rules  *rules.Rules

	RecordKeyCount    int       // how many keys the sealer has
	ReadUnsealedUntil time.Time // until then, records that are not sealed are read although there is a sealer
}

// An Engine is safe for concurrent use.
type Engine struct {
	Config
	style   ledger.Style
	store   store.Store      // nil if sessions live in their tickets
	batch   store.BatchSaver // the store, where it can save several records at once, or else nil
	records *seal.Sealer     // for records; nil if they are not sealed
	readers []codec.Codec
	seed    maphash.Seed
	indexes indexes
	queues  *queues
	epochs  epochs // of users, where tickets hold sessions
	watches watches
}

// New returns an Engine on a store, which is nil where sessions are kept in
// their tickets. Records are sealed if sealer is not nil.
func New(s store.Store, sealer *seal.Sealer, c Config) *Engine {
	r := c.Rules
	e := &Engine{
		Config:  c,
		store:   s,
		records: sealer,
		readers: []codec.Codec{c.Codec},
		seed:    maphash.MakeSeed(),
		queues:  newQueues(),
		style: ledger.Style{
			Codec:      c.Codec,
			Created:    r.Own,
			Aging:      c.Lifetime != NoLimit,
			Permanent:  c.Permanent,
			Permanence: r.Permanence,
			EmptyEnds:  r.EmptyEnds,
			Flash:      r.Flash,
		},
	}
	if r.Own {
		e.style.Meta = ledger.NewMeta(c.Codec, e.idleTimeout(nil), c.Lifetime)
	}
	e.batch, _ = s.(store.BatchSaver)
	e.watches.e = e
	e.boundFlashes()
	for _, other := range r.Readers {
		if other != c.Codec {
			e.readers = append(e.readers, other)
		}
	}
	return e
}

// SetRevocations gives an Engine whose sessions live in their tickets a store for
// the epochs of users, before it is used.
func (e *Engine) SetRevocations(s store.Store) { e.epochs.store = s }

// inTicket reports whether tickets hold whole sessions, rather than IDs of
// sessions in a store.
func (e *Engine) inTicket() bool { return e.Rules.InTicket != nil }

// Report calls Hooks.Error and logs err. A visitor who hung up is nobody's
// fault and stays out of the log; that his changes were dropped the hook hears.
// Sessions that the application has refused would fill the log, and so would tickets
// that fail a request: these are their sender's, and no more than rejected.
func (e *Engine) Report(ctx context.Context, handle string, err error) {
	if errors.Is(err, ErrTicket) {
		fire(ctx, e.Hooks.Rejected, Event{Err: err})
		return
	}
	handle = cmp.Or(handle, handleOf(err))
	hungUp := errors.Is(err, context.Canceled) && ctx.Err() != nil
	if !hungUp || errors.Is(err, ErrGone) {
		fire(ctx, e.Hooks.Error, Event{Handle: handle, Err: err})
	}
	if !hungUp && !refused(err) {
		e.Log(ctx, handle, err)
	}
}

// refused reports whether err says no to a visitor, as it should.
func refused(err error) bool {
	return errors.Is(err, ErrNotCreated) || errors.Is(err, ErrTooMany) || errors.Is(err, ErrRevoked)
}

// Log logs err with its advice.
func (e *Engine) Log(ctx context.Context, handle string, err error) {
	logger := e.Logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs := make([]slog.Attr, 0, 3)
	attrs = append(attrs, slog.String("error", err.Error()))
	if handle != "" {
		attrs = append(attrs, slog.String("session", handle))
	}
	if advice := store.Advice(err); advice != "" {
		attrs = append(attrs, slog.String("advice", advice))
	}
	logger.LogAttrs(ctx, slog.LevelError, "session", attrs...)
}
