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
	version version  // the session of the first ticket that opens one
	rest    []string // tickets after that

	// unended are for a Destroy to end: records that could not be read, since a
	// program that can read them must not find them, and ends that were not
	// finished.
	unended []end
	// marks are what tickets before have led to.
	marks []*marked
}

// find tries the tickets, which are distinct, in turn until one opens a session.
// Only a failing store is an error. A detached search goes on when ctx is done.
func (e *Engine) find(ctx context.Context, tickets []string, now time.Time, detached bool) (f found, err error) {
	if e.Rules.Unavailable != nil {
		return found{}, nil
	}
	for i, t := range tickets {
		v, err := e.open(ctx, t, now, detached)
		switch {
		case err == nil:
			f.version = v
			f.rest = slices.Clone(tickets[i+1:]) // the caller's lie on its stack
			return f, nil
		case errors.Is(err, rules.ErrUndecodable): // reported; it may match seal.ErrOpen too
			if v.key != "" { // there is a record to end, one day
				f.unended = append(f.unended, end{key: v.key, handle: v.name()})
			}
		case isMark(err):
			f.met(err)
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrTicket), errors.Is(err, seal.ErrOpen):
			fire(ctx, e.Hooks.Rejected, Event{Err: err})
		default:
			return found{}, &ofSession{err, v.key}
		}
	}
	return f, nil
}

// An ofSession is an error with the session that it is about.
type ofSession struct {
	error
	key string // store key; empty if there is none
}

func (e *ofSession) Unwrap() error { return e.error }

// handleOf returns the handle of the session that err is about, or "".
func handleOf(err error) string {
	var of *ofSession
	if errors.As(err, &of) && of.key != "" {
		return HandleOf(of.key)
	}
	return ""
}

// met notes the mark that a load has found.
func (f *found) met(err error) {
	m := asMark(err)
	f.marks = append(f.marks, m)
	if len(m.left) > 0 {
		f.unended = append(f.unended, end{key: m.key, again: true})
	}
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
func (e *Engine) open(ctx context.Context, ticket string, now time.Time, detached bool) (version, error) {
	if e.inTicket() {
		return e.unseal(ctx, ticket, now)
	}
	id, ok := e.Rules.IDs.Of(ticket)
	if !ok {
		return version{}, ErrTicket
	}
	call := newCallContext(ctx, e.StoreTimeout, detached)
	defer call.close()
	key := e.storeKey(id)
	v, err := e.read(call, key, now)
	v.ticket = ticket
	if err != nil {
		v.key = key
	}
	if isMark(err) && len(asMark(err).left) > 0 {
		// A logout stopped half way.
		m := asMark(err)
		if failed := e.putEnd(call, &end{key: m.key}, nil, maxFollow); failed != nil {
			e.Report(call, HandleOf(m.key), failed)
		} else {
			m.left = nil
		}
	}
	if err == nil && v.via != nil && v.via.lapsed(now) {
		return version{key: key}, v.via
	}
	if err == nil && (v.unsettled() || v.unseen()) {
		// A move stopped half way, or this ticket is the first use of a renewed
		// session. That the session can be used does not wait for
		// what is left of it.
		settled, err := e.settle(call, v, now)
		switch {
		case err == nil:
			v = settled
		case errors.Is(err, ErrNotFound), errors.Is(err, errOver):
			return version{key: v.key}, err
		default:
			e.Report(ctx, v.name(), err)
		}
	}
	return v, err
}

// read loads and indexes the record of a store key, if the session lives.
func (e *Engine) read(ctx context.Context, key string, now time.Time) (version, error) {
	start := clock(e.Hooks.Loaded)
	v, err := e.latest(ctx, key)
	if err == nil && e.idled(&v, now) {
		v, err = e.latest(ctx, key) // another process may have used it, unknown to a cache
	}
	if errors.Is(err, rules.ErrUndecodable) {
		e.undecodable(ctx, v.name(), err)
	}
	if err != nil {
		return version{key: v.key}, err
	}
	if e.aged(&v, now) || e.idled(&v, now) {
		return version{}, ErrNotFound
	}
	if e.Hooks.Loaded != nil {
		e.Hooks.Loaded(ctx, Event{Handle: v.name(), Duration: elapsed(start), Size: len(v.rec.Data)})
	}
	return v, nil
}

// fetch loads and indexes the record of a store key. Its error matches
// ErrNotFound also where there is a mark.
func (e *Engine) fetch(ctx context.Context, key string) (version, error) {
	rec, err := e.store.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		e.watches.ended(key, nil)
		return version{}, ErrNotFound
	}
	if err != nil {
		return version{}, unavailable("load", err)
	}
	if err := e.readMark(key, rec); err != nil {
		if m := asMark(err); m != nil {
			e.watches.ended(key, m)
		}
		return version{}, err
	}
	v, err := e.decode(key, rec)
	if err != nil {
		return version{key: key}, err
	}
	return v, nil
}

func (e *Engine) undecodable(ctx context.Context, handle string, err error) {
	fire(ctx, e.Hooks.Undecodable, Event{Handle: handle, Err: err})
	e.Log(ctx, handle, store.WithAdvice(fmt.Errorf("cloakroom: load: %w", err),
		"the visitor got a new session and the record was left alone; see whether another program or key wrote it"))
}
