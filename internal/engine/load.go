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
	version    version // the session of the first ticket that opens one
	unreadable string  // key of a record that could not be read
	deadTwin   bool    // there was a ticket that opens nothing, and it was not alone
}

// find tries the tickets in turn. Only a failing store is an error.
func (e *Engine) find(ctx context.Context, tickets []string, now time.Time) (f found, err error) {
	if e.Rules.Unavailable != nil {
		return found{}, nil
	}
	for i, t := range tickets {
		if slices.Contains(tickets[:i], t) {
			continue
		}
		if f.version.Exists() { // only whether a twin is dead is still of interest
			f.deadTwin = f.deadTwin || e.wellFormed(t)
			continue
		}
		v, err := e.open(ctx, t, now)
		switch {
		case err == nil:
			f.version = v
		case errors.Is(err, rules.ErrUndecodable): // reported; it may match seal.ErrOpen too
			f.unreadable = v.key
		case errors.Is(err, ErrNotFound):
			f.deadTwin = true
			fallthrough
		case errors.Is(err, ErrTicket), errors.Is(err, seal.ErrOpen):
			fire(ctx, e.Hooks.Rejected, Event{Err: err})
		default:
			return found{}, err
		}
	}
	f.deadTwin = f.deadTwin && len(tickets) > 1
	return f, nil
}

// wellFormed reports whether a ticket may be one that we gave out.
func (e *Engine) wellFormed(ticket string) bool {
	if e.inTicket() {
		_, err := e.Rules.InTicket.Open(ticket)
		return err == nil
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
		if errors.Is(err, rules.ErrUndecodable) {
			e.undecodable(ctx, v.name(), err)
		}
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
