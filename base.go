package cloakroom

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// Names in a record that belong to cloakroom. The first two are Flask's.
const (
	namePermanent = "_permanent" // bool: the cookie outlives the browser
	nameFlashes   = "_flashes"   // list of [category, message]
	nameCreated   = "_created"   // Unix time in seconds from which Lifetime counts
)

// base is a session as it was last read or written: the ground on which the
// changes of a request stand. The zero base is a session that does not exist
// yet.
type base struct {
	key       string       // store key; empty in a sealed cookie
	ticket    Ticket       // what the visitor holds
	handle    string       // of a sealed cookie
	rec       store.Record // as the store knows it; only Expires in a sealed cookie
	codec     codec.Codec
	fields    []codec.Field
	created   int64 // Unix seconds; 0 if the record does not say
	permanent bool
}

func (b *base) exists() bool { return b.codec != nil }

// find returns the raw bytes of a value, or nil.
func (b *base) find(name string) ([]byte, codec.Codec) {
	for i := range b.fields {
		if f := &b.fields[i]; f.Name != nil && string(f.Name) == name {
			return f.Raw, b.codec
		}
	}
	return nil, nil
}

// errUndecodable says that a record's bytes make no sense to us. It may be
// another program's, or damaged: it is left alone.
var errUndecodable = errors.New("undecodable record")

func isUndecodable(err error) bool { return errors.Is(err, errUndecodable) }

// parse indexes the bytes of a session.
func (m *Manager) parse(b *base, data []byte) error {
	if len(data) > codec.MaxSize {
		return fmt.Errorf("%w: %d bytes", errUndecodable, len(data))
	}
	c, fields := m.indexes.find(m.seed, b.key, b.rec.Token, data)
	if c == nil {
		if c = codec.Detect(data, m.readers...); c == nil {
			return fmt.Errorf("%w: none of the codecs knows it", errUndecodable)
		}
		var err error
		if fields, err = c.Split(nil, data); err != nil {
			return fmt.Errorf("%w: %s: %w", errUndecodable, c.Name(), err)
		}
		m.indexes.note(m.seed, b.key, b.rec.Token, data, c, fields)
	}
	b.codec, b.fields = c, fields
	b.created, b.permanent = 0, false
	for i := range fields {
		if f := &fields[i]; len(f.Name) > 0 && f.Name[0] == '_' {
			b.readMeta(f)
		}
	}
	return nil
}

// readMeta takes up what cloakroom keeps in the record for itself. What is
// not of the expected type is somebody else's, and counts as missing.
func (b *base) readMeta(f *codec.Field) {
	switch string(f.Name) {
	case nameCreated:
		b.created, _ = codec.Int64(b.codec, f.Raw)
	case namePermanent:
		b.permanent, _ = codec.Bool(b.codec, f.Raw)
	}
}

// deadline returns when a session created at a Unix time reaches its
// lifetime, or the zero time if it has no limit.
func (m *Manager) deadline(created int64, now time.Time) time.Time {
	if m.opts.Lifetime == NoLimit {
		return time.Time{}
	}
	if created <= 0 {
		return now.Add(m.opts.Lifetime) // another program's: its life with us begins
	}
	return time.Unix(created, 0).Add(m.opts.Lifetime)
}

// expiry returns when a session used now expires.
func (m *Manager) expiry(created int64, now time.Time) time.Time {
	deadline := m.deadline(created, now)
	if m.opts.IdleTimeout == NoLimit {
		return deadline
	}
	idle := now.Add(m.opts.IdleTimeout)
	if !deadline.IsZero() && deadline.Before(idle) {
		return deadline
	}
	return idle
}

// touchDue reports whether b has been used long enough since its expiry was
// last moved on, and returns the new expiry.
func (m *Manager) touchDue(b *base, now time.Time) (time.Time, bool) {
	if m.opts.IdleTimeout == NoLimit || b.rec.Expires.IsZero() {
		return time.Time{}, false
	}
	if d := m.opts.Dialect; d != nil && (!d.Refresh || m.tickets != nil) {
		return time.Time{}, false // only a change moves it on; or see refreshDue
	}
	next := m.expiry(b.created, now)
	gain := next.Sub(b.rec.Expires)
	return next, gain > 0 && gain >= m.opts.TouchInterval ||
		// Close to the deadline the gain is small and the last step counts. A
		// record that does not say its age has none: it moves on with now.
		gain > 0 && b.created > 0 && next.Equal(m.deadline(b.created, now))
}
