package ledger

import (
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/codec"
)

// Apply returns the session that comes of b and d at the time now, with the
// Meta m: nil under a Style that has none. Fields that d does not mention keep
// their bytes, in the codec that they are in. No session exists afterwards if a new
// one would be empty and nobody has logged in, and, under Style.EmptyEnds, if d has
// emptied it.
func (d *Draft) Apply(st *Style, b *Base, m *Meta, now time.Time) (Base, error) {
	in, fields := st.CodecOf(b), b.Fields
	if c := d.codec(); c != nil && !b.Exists() {
		in = c // they were made for a record that is no more
	}
	p := composer{st: st, b: b, d: d, meta: m, now: now, codec: in, out: make([]codec.Field, 0, len(fields)+len(d.changes)+3)}
	p.first()
	p.keep(fields)
	p.add()
	p.flashes(fields)
	p.last()
	if p.err != nil {
		return Base{}, p.err
	}
	if p.values == 0 && (!b.Exists() && m.User() == "" || st.EmptyEnds && d.Dirty()) {
		return Base{}, nil
	}
	created := b.Created
	if p.aging() {
		created = now.Unix()
	}
	return Base{Codec: in, Fields: p.out, Created: created, Meta: m, Permanent: d.Permanent(st, b)}, nil
}

// codec returns the one that all changes are encoded in, or nil.
func (d *Draft) codec() (c codec.Codec) {
	for i := range d.changes {
		switch change := &d.changes[i]; {
		case change.raw == nil:
		case c == nil:
			c = change.codec
		case c != change.codec:
			return nil
		}
	}
	return c
}

// in returns the changed value in the codec to.
func (c *change) in(to codec.Codec) ([]byte, error) {
	if c.raw == nil || c.codec == to {
		return c.raw, nil
	}
	return codec.Convert(nil, to, c.codec, c.raw)
}

// A composer puts the fields of a session together. Its codec is the record's;
// changes may have been encoded in another one.
type composer struct {
	st     *Style
	b      *Base
	d      *Draft
	meta   *Meta
	now    time.Time
	codec  codec.Codec
	out    []codec.Field
	names  []byte
	values int // fields that are not cloakroom's own
	err    error

	permanent bool // _permanent has been written
}

func (p *composer) append(name string, raw []byte) {
	if p.names == nil || cap(p.names)-len(p.names) < len(name) { // a nil Name would be no name
		p.names = make([]byte, 0, max(64, len(name))) // one piece for several names
	}
	p.names = append(p.names, name...)
	end := len(p.names)
	p.out = append(p.out, codec.Field{Name: p.names[end-len(name) : end : end], Raw: raw})
}

// marshal encodes one of our own small values, which every codec can.
func (p *composer) marshal(name string, v any) {
	raw, err := p.codec.Marshal(nil, v)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("cloakroom: save: %w", err)
		return
	}
	p.append(name, raw)
}

// aging reports whether the session's age begins to count now: it is unknown,
// somebody's clock was ahead, or somebody has logged in.
func (p *composer) aging() bool {
	ages := p.st.Aging || p.st.Created && !p.b.Exists() || p.meta != nil && p.meta.Own.Life > 0
	return p.meta.begins(p.b.Meta) || ages && (p.b.Created <= 0 || p.b.Created > p.now.Unix())
}

// first writes the fields that come first in a new record. In one that exists
// they keep their place and bytes if they did not change.
func (p *composer) first() {
	if p.aging() {
		p.marshal(NameCreated, p.now.Unix())
	}
	if p.meta != nil && p.b.Meta == nil {
		p.setMeta()
	}
	permanent := p.d.Permanent(p.st, p.b)
	if p.st.Permanence == PermanentIfTrue {
		if permanent && !p.b.Permanent {
			p.setPermanent(permanent)
		}
	} else if !p.b.Exists() && p.st.Permanent {
		p.setPermanent(permanent)
	}
}

func (p *composer) setMeta() {
	raw, err := p.meta.encode(p.codec)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("cloakroom: save: %w", err)
	}
	p.append(NameMeta, raw)
}

func (p *composer) setPermanent(v bool) {
	p.marshal(NamePermanent, v)
	p.permanent = true
}

// last writes a _permanent that was set and has no place yet, and counts it
// where it is a value.
func (p *composer) last() {
	if p.st.Permanence != PermanentIfTrue && p.d.permanent.number != 0 && !p.permanent {
		p.setPermanent(p.d.permanent.value)
	}
	if p.permanent && p.st.Permanence == PermanentAsValue {
		p.values++
	}
}

// keep takes over the fields of the record that d leaves in place.
func (p *composer) keep(fields []codec.Field) {
	for _, f := range fields {
		if f.Name != nil && p.st.Reserved(string(f.Name)) {
			p.keepReserved(&f)
			continue
		}
		if p.d.cleared != 0 {
			continue
		}
		if f.Name != nil {
			if c := p.d.find(string(f.Name)); c != nil {
				if c.raw == nil {
					continue
				}
				f.Raw = p.convert(c)
			}
		}
		p.values++
		p.out = append(p.out, f)
	}
}

func (p *composer) keepReserved(f *codec.Field) {
	keep := false
	switch string(f.Name) {
	case NameCreated:
		keep = !p.aging()
	case NamePermanent:
		keep = p.keepPermanent()
	case NameMeta:
		if keep = p.meta == p.b.Meta; !keep && p.b.Meta != nil {
			p.setMeta()
		}
	default: // the flash messages
		if keep = !p.d.flashes.dirty() && p.d.cleared == 0; keep {
			p.values++
		}
	}
	if keep {
		p.out = append(p.out, *f)
	}
}

// keepPermanent reports whether the record's _permanent keeps its bytes. A
// new value is written in the same place, unless it has been written first.
func (p *composer) keepPermanent() bool {
	set := p.d.permanent.number != 0
	switch {
	case p.st.Permanence == PermanentIfTrue:
		return !set || p.b.Permanent && p.d.permanent.value
	case p.st.Permanence == PermanentAsValue && p.d.cleared != 0:
		return false
	case set:
		p.setPermanent(p.d.permanent.value)
		return false
	}
	p.permanent = true
	return true
}

// add appends the values that are new.
func (p *composer) add() {
	for i := range p.d.changes {
		c := &p.d.changes[i]
		if c.raw == nil || p.d.cleared == 0 && p.b.place(c.name) >= 0 {
			continue
		}
		p.values++
		p.append(c.name, p.convert(c))
	}
}

// convert gives the bytes of a changed value in the record's codec.
func (p *composer) convert(c *change) []byte {
	out, err := c.in(p.codec)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("cloakroom: save: the record is in %s, which other values in it need: %w", p.codec.Name(), err)
	}
	return out
}
