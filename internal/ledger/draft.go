package ledger

import (
	"time"

	"github.com/cloakroom/cloakroom/codec"
)

// A Draft is what a request wants to change. The zero Draft changes nothing.
//
// Each change carries the number of its making, so that a draft from which a
// snapshot has been saved can tell what has changed since.
type Draft struct {
	changes   []change
	places    map[string]int32 // of the changes, by name; nil, or all of them
	flashes   *flashes
	permanent permanent
	own       [2]limit // idle timeout and lifetime
	login     login
	parting   bool   // see Part
	cleared   uint32 // number of Clear, 0 if it was not called
	made      uint32 // changes so far
}

type permanent struct {
	number uint32 // 0 if it was not set
	value  bool
}

// A limit is the session's own idle timeout or lifetime.
type limit struct {
	number uint32 // 0 if it was not set
	value  time.Duration
}

type login struct {
	number uint32 // 0 if nobody logs in
	Login
}

// A change is one value set or deleted.
type change struct {
	name   string
	number uint32
	raw    []byte      // nil if deleted
	codec  codec.Codec // that raw is in
	steps  []Step      // of Update, which led to raw from where they began

	// The steps began with the value of the base, which was from; or, if origin
	// is not 0, with that of the Set, Delete or Clear of that number.
	from   []byte
	origin uint32
}

// A Step computes a value from the raw bytes of the one before, nil if there
// is none. It writes it in the codec to if that can say it, and returns which
// codec it is in. It may run again, on a newer value.
type Step func(from codec.Codec, raw []byte, to codec.Codec) ([]byte, codec.Codec, error)

// Next returns the number of a new change.
func (d *Draft) Next() uint32 {
	d.made++
	return d.made
}

// Dirty reports whether d changes anything.
func (d *Draft) Dirty() bool {
	return len(d.changes) > 0 || d.cleared != 0 || d.permanent.number != 0 || d.flashes.dirty() ||
		d.SetsLimits() || d.login.number != 0
}

// SetIdle gives the session an idle timeout of its own, as Own has it.
func (d *Draft) SetIdle(v time.Duration) { d.own[0] = limit{d.Next(), v} }

// SetLife gives the session a lifetime of its own, as Own has it.
func (d *Draft) SetLife(v time.Duration) { d.own[1] = limit{d.Next(), v} }

// SetsLimits reports whether d gives the session limits of its own.
func (d *Draft) SetsLimits() bool { return d.SetsIdle() || d.SetsLife() }

// SetsIdle reports whether d does that to the idle timeout.
func (d *Draft) SetsIdle() bool { return d.own[0].number != 0 }

// SetsLife reports whether d does that to the lifetime.
func (d *Draft) SetsLife() bool { return d.own[1].number != 0 }

// Own returns what d makes of a session's own limits, those of m, which may be
// nil.
func (d *Draft) Own(m *Meta) (own Own) {
	if m != nil {
		own = m.Own
	}
	if d.own[0].number != 0 {
		own.Idle = d.own[0].value
	}
	if d.own[1].number != 0 {
		own.Life = d.own[1].value
	}
	return own
}

// LogIn makes the session that of a user.
func (d *Draft) LogIn(l Login) { d.login = login{d.Next(), l} }

// LogsIn reports whether d does that.
func (d *Draft) LogsIn() bool { return d.login.number != 0 }

// Login returns what d makes of a session's login, that of m, which may be nil.
func (d *Draft) Login(m *Meta) Login {
	switch {
	case d.login.number != 0:
		return d.login.Login
	case m != nil:
		return m.Login
	}
	return Login{}
}

// SetsPermanent reports whether d says that the session is permanent, or that
// it is not.
func (d *Draft) SetsPermanent() bool { return d.permanent.number != 0 }

// ForgetPermanent takes that back.
func (d *Draft) ForgetPermanent() { d.permanent = permanent{} }

// SetPermanent makes the session permanent or not.
func (d *Draft) SetPermanent(v bool) { d.permanent = permanent{d.Next(), v} }

// Part makes a session that begins with d a parting one, which follows a logout:
// it is not permanent unless d says so.
func (d *Draft) Part() { d.parting = true }

// Parts reports whether d does that.
func (d *Draft) Parts() bool { return d.parting }

// Arrive takes that back: there is a login.
func (d *Draft) Arrive() { d.parting = false }

// Permanent returns what d makes of b's permanence.
func (d *Draft) Permanent(st *Style, b *Base) bool {
	switch {
	case d.permanent.number != 0:
		return d.permanent.value
	case d.cleared != 0 && st.Permanence == PermanentAsValue:
		return false
	case b.Exists():
		return b.Permanent
	default:
		return st.Permanent && !d.parting
	}
}

// Raw returns the bytes of a value and their codec as d leaves them; nil if
// there is none.
func (d *Draft) Raw(st *Style, b *Base, name string) ([]byte, codec.Codec) {
	if c := d.find(name); c != nil {
		return c.raw, c.codec
	}
	if d.cleared != 0 {
		return nil, nil
	}
	return b.Find(name)
}

// An Origin is where a value that Raw returns comes from.
type Origin uint8

const (
	FromBase  Origin = iota // it is as it was read
	FromDraft               // the request has set it
	FromBoth                // the request has updated what was read
)

// Origin returns where the value of name comes from.
func (d *Draft) Origin(name string) Origin {
	switch c := d.find(name); {
	case c == nil:
		return FromBase
	case c.origin == 0:
		return FromBoth
	default:
		return FromDraft
	}
}

// Names returns the names of the values, in the order in which they were first
// set.
func (d *Draft) Names(st *Style, b *Base) []string {
	var names []string
	if d.cleared == 0 {
		for i := range b.Fields {
			f := &b.Fields[i]
			if f.Name == nil || st.Reserved(string(f.Name)) {
				continue
			}
			if c := d.find(string(f.Name)); c == nil || c.raw != nil {
				names = append(names, string(f.Name))
			}
		}
	}
	for i := range d.changes {
		c := &d.changes[i]
		if old, _ := b.Find(c.name); c.raw != nil && (old == nil || d.cleared != 0) {
			names = append(names, c.name)
		}
	}
	return names
}

// Set gives a value the bytes raw, in the codec c; nil deletes it.
func (d *Draft) Set(name string, raw []byte, c codec.Codec) {
	number := d.Next()
	d.put(change{name: name, number: number, raw: raw, codec: c, origin: number})
}

// Update notes that step has made after, in the codec in, of before. It reports
// false, and notes nothing, if before is no longer the value: the step has to run
// again.
func (d *Draft) Update(st *Style, b *Base, name string, before, after []byte, in codec.Codec, step Step) bool {
	if present, _ := d.Raw(st, b, name); !same(present, before) {
		return false
	}
	c := change{name: name, number: d.Next(), raw: after, codec: in, steps: []Step{step}}
	switch old := d.find(name); {
	case old != nil:
		c.steps, c.from, c.origin = append(old.steps, step), old.from, old.origin
	case d.cleared != 0:
		c.origin = d.cleared
	default:
		c.from = before
	}
	d.put(c)
	return true
}

// Clear removes all values and flash messages.
func (d *Draft) Clear(st *Style) {
	d.changes, d.places = nil, nil
	d.cleared = d.Next()
	d.flashes.clear()
	if st.Permanence == PermanentAsValue {
		d.ForgetPermanent()
	}
}

// Discard takes everything back but Part. Numbers go on, so that a snapshot made
// before never passes for what comes after.
func (d *Draft) Discard() { *d = Draft{made: d.made, parting: d.parting} }

func (d *Draft) find(name string) *change {
	if len(d.changes) > few {
		if d.places == nil {
			d.places = placesIn(d.changes)
		}
		if i, ok := d.places[name]; ok {
			return &d.changes[i]
		}
		return nil
	}
	for i := range d.changes {
		if d.changes[i].name == name {
			return &d.changes[i]
		}
	}
	return nil
}

func (d *Draft) put(c change) {
	if old := d.find(c.name); old != nil {
		*old = c
		return
	}
	if d.changes == nil {
		d.changes = make([]change, 0, 2)
	}
	d.changes = append(d.changes, c)
	if d.places != nil {
		d.places[c.name] = int32(len(d.changes) - 1)
	}
}

// same reports whether a and b are the same slice: values are never changed in
// place, so nothing has happened to one that is.
func same(a, b []byte) bool {
	return len(a) == len(b) && (a == nil) == (b == nil) && (len(a) == 0 || &a[0] == &b[0])
}
