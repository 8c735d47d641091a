package cloakroom

import (
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/store"
)

// build applies d to b and returns the session that comes out: its fields and
// their codec. Fields that d does not mention keep their bytes. It returns no
// fields if a session that does not exist yet would be empty; in Flask's
// dialect also if one that exists has become so.
func (m *Manager) build(b *base, d *draft, now time.Time) ([]codec.Field, codec.Codec, error) {
	own := m.opts.Codec
	fields := b.fields
	if b.exists() && b.codec != own {
		converted, err := convertFields(own, b.codec, b.fields)
		if err != nil {
			own = b.codec // it cannot be said in our codec, or not be read: keep theirs
		} else {
			fields = converted
		}
	}
	w := builder{m: m, b: b, d: d, codec: own, out: make([]codec.Field, 0, len(fields)+len(d.changes)+2)}
	w.meta(fields, now)
	w.keep(fields)
	w.add(fields)
	w.flashes(fields)
	w.permanence()
	if w.values == 0 && w.err == nil && (!b.exists() || m.opts.Dialect != nil && d.dirty()) {
		return nil, nil, nil
	}
	return w.out, own, w.err
}

func convertFields(to, from codec.Codec, fields []codec.Field) ([]codec.Field, error) {
	out := make([]codec.Field, len(fields))
	for i, f := range fields {
		if f.Name == nil {
			return nil, fmt.Errorf("%w: a name is not a string", codec.ErrType)
		}
		raw, err := codec.Convert(nil, to, from, f.Raw)
		if err != nil {
			return nil, err
		}
		out[i] = codec.Field{Name: f.Name, Raw: raw}
	}
	return out, nil
}

// A builder puts the fields of a record together. Its codec is the record's,
// which may not be the one that changes were encoded in.
type builder struct {
	m      *Manager
	b      *base
	d      *draft
	codec  codec.Codec
	out    []codec.Field
	names  []byte
	values int // fields that are not cloakroom's own
	err    error

	permanent bool // has been written
}

func (w *builder) append(name string, raw []byte) {
	if w.names == nil || cap(w.names)-len(w.names) < len(name) { // a nil Name would be no name
		w.names = make([]byte, 0, max(64, len(name))) // one piece for several names
	}
	w.names = append(w.names, name...)
	end := len(w.names)
	w.out = append(w.out, codec.Field{Name: w.names[end-len(name) : end : end], Raw: raw})
}

// marshal encodes one of our own small values, which every codec can.
func (w *builder) marshal(name string, v any) {
	raw, err := w.codec.Marshal(nil, v)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("cloakroom: save: %w", err)
		return
	}
	w.append(name, raw)
}

// meta writes the fields that come first in a new record. In one that exists
// they keep their place and bytes if they did not change.
func (w *builder) meta(fields []codec.Field, now time.Time) {
	if w.b.created <= 0 && w.m.opts.Lifetime != NoLimit {
		w.marshal(nameCreated, now.Unix())
	}
	if w.m.opts.Dialect != nil && (w.b.exists() || !w.m.opts.Permanent) {
		return // see permanence
	}
	if permanent := w.m.permanentAfter(w.b, w.d); permanent && !w.b.permanent || w.m.opts.Dialect != nil {
		w.writePermanent(permanent)
	}
}

func (w *builder) writePermanent(v bool) {
	w.marshal(namePermanent, v)
	w.permanent = true
}

// permanence writes what Flask has last in the dictionary, since it was set
// last, and counts it where it is a value.
func (w *builder) permanence() {
	if w.m.opts.Dialect != nil && w.d.permanent.gen != 0 && !w.permanent {
		w.writePermanent(w.d.permanent.value)
	}
	if w.permanent && w.m.permanentIsValue() {
		w.values++
	}
}

// keep takes over the fields of the record that d leaves in place.
func (w *builder) keep(fields []codec.Field) {
	for _, f := range fields {
		if f.Name != nil && w.m.reserved(string(f.Name)) {
			w.keepReserved(&f)
			continue
		}
		if w.d.cleared != 0 {
			continue
		}
		if f.Name != nil {
			if c := w.d.find(string(f.Name)); c != nil {
				if c.raw == nil {
					continue
				}
				f.Raw = w.convert(c.raw)
			}
		}
		w.values++
		w.out = append(w.out, f)
	}
}

func (w *builder) keepReserved(f *codec.Field) {
	keep := false
	switch string(f.Name) {
	case nameCreated:
		keep = w.b.created > 0 || w.m.opts.Lifetime == NoLimit
	case namePermanent:
		if w.m.opts.Dialect != nil {
			w.keepPermanent(f)
			return
		}
		keep = w.d.permanent.gen == 0 || w.b.permanent && w.d.permanent.value
	default: // the flash messages
		if keep = !w.d.flash.dirty() && w.d.cleared == 0; keep {
			w.values++
		}
	}
	if keep {
		w.out = append(w.out, *f)
	}
}

// keepPermanent leaves Flask's _permanent where it is, with its new value if it
// has one.
func (w *builder) keepPermanent(f *codec.Field) {
	switch {
	case w.d.cleared != 0 && w.m.permanentIsValue():
	case w.d.permanent.gen != 0:
		w.writePermanent(w.d.permanent.value)
	default:
		w.out = append(w.out, *f)
		w.permanent = true
	}
}

// add appends the values that are new.
func (w *builder) add(fields []codec.Field) {
	for i := range w.d.changes {
		c := &w.d.changes[i]
		if c.raw == nil || w.d.cleared == 0 && hasField(fields, c.name) {
			continue
		}
		w.values++
		w.append(c.name, w.convert(c.raw))
	}
}

func hasField(fields []codec.Field, name string) bool {
	for i := range fields {
		if fields[i].Name != nil && string(fields[i].Name) == name {
			return true
		}
	}
	return false
}

// convert gives the bytes of a changed value in the record's codec.
func (w *builder) convert(raw []byte) []byte {
	if w.codec == w.m.opts.Codec {
		return raw
	}
	out, err := codec.Convert(nil, w.codec, w.m.opts.Codec, raw)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("cloakroom: save: the record is in %s, which other values in it need: %w", w.codec.Name(), err)
	}
	return out
}

func (w *builder) flashes(fields []codec.Field) {
	if !w.d.flash.dirty() {
		return
	}
	var list []any
	if w.d.cleared == 0 {
		for _, f := range fields {
			if f.Name != nil && string(f.Name) == nameFlashes {
				list = decodeFlashes(w.codec, f.Raw)
			}
		}
	}
	if list = w.d.flash.apply(list); len(list) > 0 {
		w.values++
		w.marshal(nameFlashes, list)
	}
}

// join makes the record's bytes, sealed if the Options say so.
func (m *Manager) join(key string, fields []codec.Field, c codec.Codec) ([]byte, error) {
	size := 16
	for i := range fields {
		f := &fields[i]
		size += max(len(f.Key), len(f.Name)+8) + len(f.Raw)
	}
	data, err := c.Join(make([]byte, 0, size), fields)
	if err != nil {
		return nil, fmt.Errorf("cloakroom: save: %w", err)
	}
	if len(data) > m.opts.MaxSize {
		return nil, store.WithAdvice(fmt.Errorf("cloakroom: save: %w", store.TooLarge(len(data), m.opts.MaxSize)),
			"Keep less in the session, or raise Options.MaxSize.")
	}
	if m.records != nil && key != "" {
		data = m.records.Seal(make([]byte, 0, len(data)+64), data, key)
	}
	return data, nil
}
