package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/internal/rules"
	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// found is what the tickets of a request lead to.
type found struct {
	version    version  // the session of the first ticket that opens one
	unreadable []end    // records that could not be read
	rest       []string // tickets after the first that opens a session
}

// find tries the tickets, which are distinct, in turn until one opens a session.
// Only a failing store is an error.
func (e *Engine) find(ctx context.Context, tickets []string, now time.Time) (f found, err error) {
	if e.Rules.Unavailable != nil {
		return found{}, nil
	}
	for i, t := range tickets {
		v, err := e.open(ctx, t, now)
		switch {
		case err == nil:
			f.version = v
			f.rest = slices.Clone(tickets[i+1:]) // the caller's lie on its stack
			return f, nil
		case errors.Is(err, rules.ErrUndecodable): // reported; it may match seal.ErrOpen too
			if v.key != "" { // there is a record to end, one day
				f.unreadable = append(f.unreadable, end{v.key, v.name()})
			}
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrTicket), errors.Is(err, seal.ErrOpen):
			fire(ctx, e.Hooks.Rejected, Event{Err: err})
		default:
			return found{}, err
		}
	}
	return f, nil
}

// WellFormed reports whether a ticket may be one that we gave out. It asks no
// store and decrypts nothing.
func (e *Engine) WellFormed(ticket string) bool {
	if e.inTicket() {
		return e.Rules.InTicket.WellFormed(ticket)
	}
	_, ok := e.Rules.IDs.Of(ticket)
	return ok
}

// open returns the session of one ticket. With rules.ErrUndecodable it returns
// the record's key at least.
func (e *Engine) open(ctx context.Context, ticket string, now time.Time) (version, error) {
	if e.inTicket() {
		return e.unseal(ctx, ticket, now)
	}
	id, ok := e.Rules.IDs.Of(ticket)
	if !ok {
		return version{}, ErrTicket
	}
	v, err := e.read(ctx, e.storeKey(id), now)
	v.ticket = ticket
	return v, err
}

// read loads and indexes the record of a store key.
func (e *Engine) read(ctx context.Context, key string, now time.Time) (version, error) {
	call := newCallContext(ctx, e.StoreTimeout, false)
	defer call.close()
	start := clock(e.Hooks.Loaded)
	rec, err := e.store.Load(call, key)
	if errors.Is(err, store.ErrNotFound) {
		return version{}, ErrNotFound
	}
	if err != nil {
		return version{}, unavailable("load", err)
	}
	v, err := e.decode(key, rec)
	if err != nil {
		e.undecodable(ctx, v.name(), err)
		return version{key: key}, err
	}
	if !e.alive(&v, now) {
		return version{}, ErrNotFound
	}
	if e.Hooks.Loaded != nil {
		e.Hooks.Loaded(ctx, Event{Handle: v.name(), Duration: elapsed(start), Size: len(rec.Data)})
	}
	return v, nil
}

func (e *Engine) undecodable(ctx context.Context, handle string, err error) {
	fire(ctx, e.Hooks.Undecodable, Event{Handle: handle, Err: err})
	e.Log(ctx, handle, store.WithAdvice(fmt.Errorf("cloakroom: load: %w", err),
		"the visitor got a new session and the record was left alone; see whether another program or key wrote it"))
}
