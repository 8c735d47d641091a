package cloakroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/seal"
	"github.com/cloakroom/cloakroom/store"
)

// load finds the session of the request's cookies.
func (s *Session) load() {
	s.loaded = true
	f, err := s.findOwn()
	if err != nil {
		s.fail(err)
		return
	}
	s.base, s.unread, s.dead = f.base, f.unread, f.dead
}

// findOwn tries the request's cookies.
func (s *Session) findOwn() (found, error) {
	var buf [maxCandidates]string
	tickets := s.m.cookie.candidates(buf[:0], s.r.Header["Cookie"])
	return s.m.find(s.ctx, tickets)
}

// found is what the tickets of a request lead to.
type found struct {
	base   base   // the session of the first ticket that opens one
	unread string // key of a record that could not be read
	dead   bool   // there was a ticket that opens nothing, and it was not alone
}

// find tries the tickets in turn. Only a failing store is an error.
func (m *Manager) find(ctx context.Context, tickets []string) (f found, err error) {
	if d := m.opts.Dialect; d != nil && d.Null != nil {
		return found{}, nil
	}
	for i, t := range tickets {
		if slices.Contains(tickets[:i], t) {
			continue
		}
		if f.base.exists() { // only whether a twin is dead is still of interest
			f.dead = f.dead || m.ours(t)
			continue
		}
		b, err := m.open(ctx, Ticket(t))
		switch {
		case err == nil:
			f.base = b
		case isUndecodable(err): // reported; it may match seal.ErrOpen too
			f.unread = b.key
		case errors.Is(err, ErrNotFound):
			f.dead = true
			fallthrough
		case errors.Is(err, ErrTicket), errors.Is(err, seal.ErrOpen):
			fire(ctx, m.opts.Hooks.Rejected, Event{Err: err})
		default:
			return found{}, err
		}
	}
	f.dead = f.dead && len(tickets) > 1
	return f, nil
}

// ours reports whether a ticket may be one that we gave out.
func (m *Manager) ours(ticket string) bool {
	if m.tickets != nil {
		_, err := m.tickets.open(Ticket(ticket))
		return err == nil
	}
	_, ok := m.ticketID(Ticket(ticket))
	return ok
}

// open returns the session of one ticket. With errUndecodable it returns the
// record's key at least.
func (m *Manager) open(ctx context.Context, t Ticket) (base, error) {
	if m.tickets != nil {
		return m.openSealed(ctx, t)
	}
	id, ok := m.ticketID(t)
	if !ok {
		return base{}, ErrTicket
	}
	b, err := m.read(ctx, m.storeKey(id))
	b.ticket = t
	return b, err
}

// read loads and indexes the record of a store key.
func (m *Manager) read(ctx context.Context, key string) (base, error) {
	call := newCallContext(ctx, m.opts.StoreTimeout, false)
	defer call.close()
	start := m.hookClock()
	rec, err := m.store.Load(call, key)
	if errors.Is(err, store.ErrNotFound) {
		return base{}, ErrNotFound
	}
	if err != nil {
		return base{}, unavailable("load", err)
	}
	b, err := m.index(key, rec)
	if err != nil {
		m.undecodable(ctx, b.handleText(), err)
		return base{key: key}, err
	}
	if !m.alive(&b) {
		return base{}, ErrNotFound
	}
	if m.opts.Hooks.Loaded != nil {
		m.opts.Hooks.Loaded(ctx, Event{Handle: b.handleText(), Duration: elapsed(start), Size: len(rec.Data)})
	}
	return b, nil
}

// hookClock is time.Now for durations that only hooks want to know.
func (m *Manager) hookClock() time.Time {
	if m.hooked {
		return time.Now()
	}
	return time.Time{}
}

// elapsed is time.Since for what hookClock returned.
func elapsed(start time.Time) time.Duration {
	if start.IsZero() {
		return 0
	}
	return time.Since(start)
}

// index makes the base of a record as the store has it.
func (m *Manager) index(key string, rec store.Record) (base, error) {
	b := base{key: key, rec: rec}
	data := rec.Data
	if m.records != nil {
		var err error
		if data, err = m.records.Open(nil, data, key); err != nil {
			return b, fmt.Errorf("%w: %w", errUndecodable, err)
		}
	}
	return b, m.parse(&b, data)
}

// alive reports whether the session is within its lifetime, which may be
// shorter today than when the record was written.
func (m *Manager) alive(b *base) bool {
	now := time.Now()
	deadline := m.deadline(b.created, now)
	return deadline.IsZero() || now.Before(deadline)
}

func (m *Manager) undecodable(ctx context.Context, handle string, err error) {
	fire(ctx, m.opts.Hooks.Undecodable, Event{Handle: handle, Err: err})
	m.log(ctx, handle, store.WithAdvice(fmt.Errorf("cloakroom: load: %w", err),
		"the visitor got a new session and the record was left alone; see whether another program or key wrote it"))
}
