package cloakroom

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/internal/dialect"
)

// What package flask changes about the engine, as far as it does not fit into
// a line or two at its place.

// dialectTickets keeps whole sessions in tickets of another format.
type dialectTickets struct{ *dialect.Dialect }

func (d dialectTickets) open(t Ticket) (contents, error) {
	if len(t) > maxHeaderCookie {
		return contents{}, ErrTicket
	}
	data, expires, err := d.Open(string(t))
	c := contents{data: data, handle: HandleOf(string(t)), expires: expires}
	switch {
	case errors.Is(err, dialect.ErrExpired):
		return contents{}, ErrNotFound
	case errors.Is(err, dialect.ErrPayload):
		return c, fmt.Errorf("%w: %w", errUndecodable, err)
	case err != nil:
		return contents{}, ErrTicket
	}
	return c, nil
}

func (d dialectTickets) seal(c contents) (Ticket, string) {
	t := d.Seal(c.data)
	return Ticket(t), HandleOf(t)
}

// maxHeaderCookie bounds the tickets of programs that do not keep to what
// browsers keep. It is what net/http lets through of a header line or two.
const maxHeaderCookie = 64 << 10

// newTicket returns a new ID and the ticket that holds it.
func (m *Manager) newTicket() (string, Ticket) {
	if d := m.opts.Dialect; d != nil {
		id := d.NewID()
		return id, Ticket(d.Ticket(id))
	}
	id := newID()
	return id, Ticket(id)
}

// ticketID returns the ID in a ticket, and false for a ticket that cannot be
// ours.
func (m *Manager) ticketID(t Ticket) (string, bool) {
	if d := m.opts.Dialect; d != nil {
		return d.ID(string(t))
	}
	return string(t), validID(string(t))
}

// refreshDue reports whether using b moves its expiry on, or its cookie's.
func (m *Manager) refreshDue(b *base, now time.Time) bool {
	if !b.exists() {
		return false
	}
	if d := m.opts.Dialect; d != nil && !d.PermanentIsValue && b.void() {
		return false // to Flask-Session there is nothing in it
	} else if d != nil && d.Refresh && b.permanent {
		return true
	}
	_, due := m.touchDue(b, now)
	return due
}

// void reports whether b holds nothing but _permanent.
func (b *base) void() bool {
	return len(b.fields) == 0 || len(b.fields) == 1 && string(b.fields[0].Name) == namePermanent
}

// loadToRefresh loads the session of a handler that did not ask for it, where
// every request of a visitor counts as use. That it cannot be loaded does not
// fail a page that does without.
func (s *Session) loadToRefresh() {
	d := s.m.opts.Dialect
	if d == nil || !d.Refresh {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded || s.err != nil {
		return
	}
	f, err := s.findOwn()
	if err != nil {
		s.report(err)
		return
	}
	if f.base.exists() {
		s.loaded, s.base = true, f.base
	}
}

// permanentAfter returns what d makes of b's permanence.
func (m *Manager) permanentAfter(b *base, d *draft) bool {
	switch {
	case d.permanent.gen != 0:
		return d.permanent.value
	case d.cleared != 0 && m.permanentIsValue():
		return false
	case b.exists():
		return b.permanent
	default:
		return m.opts.Permanent
	}
}

func (m *Manager) permanentIsValue() bool {
	return m.opts.Dialect != nil && m.opts.Dialect.PermanentIsValue
}

// reserved reports whether name is one of those that cloakroom keeps things of
// its own under. Flask has no _created.
func (m *Manager) reserved(name string) bool {
	return len(name) > 0 && name[0] == '_' &&
		(name == namePermanent || name == nameFlashes || name == nameCreated && m.opts.Dialect == nil)
}

// flashValue returns a message as it stands in the record.
func (m *Manager) flashValue(category, message string) any {
	if d := m.opts.Dialect; d != nil {
		return d.Flash(category, message)
	}
	return []any{category, message}
}
