package ledger

import (
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/codec"
)

// Apply returns the session that comes of b and d at the time now. Fields that
// d does not mention keep their bytes. No session exists afterwards if a new
// one would be empty, and, under Style.EmptyEnds, if d has emptied it.
func (d *Draft) Apply(st *Style, b *Base, now time.Time) (Base, error) {
	own := st.Codec
	fields := b.Fields
	if b.Exists() && b.Codec != own {
		converted, err := convertFields(own, b.Codec, b.Fields)
		if err != nil {
			own = b.Codec // it cannot be said in our codec, or not be read: keep theirs
		} else {
			fields = converted
		}
	}
	w := writer{st: st, b: b, d: d, codec: own, out: make([]codec.Field, 0, len(fields)+len(d.changes)+2)}
	w.first(fields, now)
	w.keep(fields)
	w.add(fields)
	w.flashes(fields)
	w.last()
	if w.err != nil {
		return Base{}, w.err
	}
	if w.values == 0 && (!b.Exists() || st.EmptyEnds && d.Dirty()) {
		return Base{}, nil
	}
	created := b.Created
	if w.aging() {
		created = now.Unix()
	}
	return Base{Codec: own, Fields: w.out, Created: created, Permanent: d.Permanent(st, b)}, nil
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

// A writer puts the fields of a session together. Its codec is the record's,
// which may not be the one that changes were encoded in.
type writer struct {
	st     *Style
	b      *Base
	d      *Draft
	codec  codec.Codec
	out    []codec.Field
	names  []byte
	values int // fields that are not cloakroom's own
	err    error

	permanent bool // _permanent has been written
}

func (w *writer) append(name string, raw []byte) {
	if w.names == nil || cap(w.names)-len(w.names) < len(name) { // a nil Name would be no name
		w.names = make([]byte, 0, max(64, len(name))) // one piece for several names
	}
	w.names = append(w.names, name...)
	end := len(w.names)
	w.out = append(w.out, codec.Field{Name: w.names[end-len(name) : end : end], Raw: raw})
}

// marshal encodes one of our own small values, which every codec can.
func (w *writer) marshal(name string, v any) {
	raw, err := w.codec.Marshal(nil, v)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("cloakroom: save: %w", err)
		return
	}
	w.append(name, raw)
}

// aging reports whether the session's age begins to count now.
func (w *writer) aging() bool { return w.st.Aging && w.b.Created <= 0 }

// first writes the fields that come first in a new record. In one that exists
// they keep their place and bytes if they did not change.
func (w *writer) first(fields []codec.Field, now time.Time) {
	if w.aging() {
		w.marshal(NameCreated, now.Unix())
	}
	permanent := w.d.Permanent(w.st, w.b)
	if w.st.Permanence == PermanentIfTrue {
		if permanent && !w.b.Permanent {
			w.setPermanent(permanent)
		}
	} else if !w.b.Exists() && w.st.Permanent {
		w.setPermanent(permanent)
	}
}

func (w *writer) setPermanent(v bool) {
	w.marshal(NamePermanent, v)
	w.permanent = true
}

// last writes a _permanent that was set and has no place yet, and counts it
// where it is a value.
func (w *writer) last() {
	if w.st.Permanence != PermanentIfTrue && w.d.permanent.number != 0 && !w.permanent {
		w.setPermanent(w.d.permanent.value)
	}
	if w.permanent && w.st.Permanence == PermanentAsValue {
		w.values++
	}
}

// keep takes over the fields of the record that d leaves in place.
func (w *writer) keep(fields []codec.Field) {
	for _, f := range fields {
		if f.Name != nil && w.st.Reserved(string(f.Name)) {
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

func (w *writer) keepReserved(f *codec.Field) {
	keep := false
	switch string(f.Name) {
	case NameCreated:
		keep = !w.aging()
	case NamePermanent:
		keep = w.keepPermanent()
	default: // the flash messages
		if keep = !w.d.flashes.dirty() && w.d.cleared == 0; keep {
			w.values++
		}
	}
	if keep {
		w.out = append(w.out, *f)
	}
}

// keepPermanent reports whether the record's _permanent keeps its bytes. A
// new value is written in the same place, unless it has been written first.
func (w *writer) keepPermanent() bool {
	set := w.d.permanent.number != 0
	switch {
	case w.st.Permanence == PermanentIfTrue:
		return !set || w.b.Permanent && w.d.permanent.value
	case w.st.Permanence == PermanentAsValue && w.d.cleared != 0:
		return false
	case set:
		w.setPermanent(w.d.permanent.value)
		return false
	}
	w.permanent = true
	return true
}

// add appends the values that are new.
func (w *writer) add(fields []codec.Field) {
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
func (w *writer) convert(raw []byte) []byte {
	if w.codec == w.st.Codec {
		return raw
	}
	out, err := codec.Convert(nil, w.codec, w.st.Codec, raw)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("cloakroom: save: the record is in %s, which other values in it need: %w", w.codec.Name(), err)
	}
	return out
}

func (w *writer) flashes(fields []codec.Field) {
	if !w.d.flashes.dirty() {
		return
	}
	var list []any
	if w.d.cleared == 0 {
		for _, f := range fields {
			if f.Name != nil && string(f.Name) == NameFlashes {
				list = decodeFlashes(w.codec, f.Raw)
			}
		}
	}
	if list = w.d.flashes.merge(list); len(list) > 0 {
		w.values++
		w.marshal(NameFlashes, list)
	}
}
