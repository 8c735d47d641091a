package pickle

import (
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
)

// partProtocol is the protocol of keys and values in parts: the oldest that can
// hold every value without loss.
const partProtocol = 4

// Split appends the entries of the dict in the pickle data to dst, in order. A
// key that is a str or Markup is a name, unless half a surrogate pair is in it.
//
// Each value becomes a pickle of its own, complete and newly written: a piece
// cut out of data would refer to what other pieces put in the memo. A list
// that was one object in two values is thus two lists from then on; values
// that are shared within one entry stay so. The error matches [ErrRefused],
// [ErrMalformed] or [ErrLimit].
func Split(dst []codec.Field, data []byte, limits Limits) ([]codec.Field, error) {
	limits = limits.withDefaults()
	v, err := Unmarshal(data, limits)
	if err != nil {
		return dst, err
	}
	d, ok := v.(*Dict)
	if !ok {
		return dst, &Error{Kind: ErrMalformed, Reason: "pickle is " + kindName(v) + " and not a dict"}
	}
	if d.Len() > limits.Fields {
		return dst, &Error{Kind: ErrLimit, Reason: "too many entries"}
	}
	// All pickles share one buffer; it may move while it grows, so the slices are
	// cut in the end.
	buf := make([]byte, 0, 2*len(data))
	ends := make([]int, 0, 2*d.Len())
	for k, v := range d.All() {
		for _, piece := range []Value{k, v} {
			if buf, err = Append(buf, piece, partProtocol); err != nil {
				return dst, err
			}
			ends = append(ends, len(buf))
		}
	}
	if cap(dst)-len(dst) < d.Len() {
		dst = append(make([]codec.Field, 0, len(dst)+d.Len()), dst...)
	}
	start := 0
	cut := func(end int) []byte {
		piece := buf[start:end:end]
		start = end
		return piece
	}
	for i, e := range d.entries {
		dst = append(dst, codec.Field{Name: keyName(e.key), Key: cut(ends[2*i]), Raw: cut(ends[2*i+1])})
	}
	return dst, nil
}

// keyName returns the name of a key, which is nil only if it has none.
func keyName(key Value) []byte {
	name, ok := key.(string)
	if m, isMarkup := key.(Markup); isMarkup {
		name, ok = string(m), true
	}
	if !ok || !utf8.ValidString(name) {
		return nil
	}
	return append([]byte{}, name...)
}

// Join appends to dst the pickle, in the given protocol, of the dict that
// consists of fields. Of two fields with the same key the later one counts, in the
// place of the earlier one. The error is one of [Unmarshal] about the first value
// that is not a pickle, or one of [Append].
func Join(dst []byte, fields []codec.Field, protocol int) ([]byte, error) {
	d := &Dict{}
	for _, f := range fields {
		var key Value = string(f.Name)
		var err error
		if f.Key != nil {
			if key, err = Unmarshal(f.Key, Limits{}); err != nil {
				return dst, err
			}
		}
		value, err := Unmarshal(f.Raw, Limits{})
		if err != nil {
			return dst, err
		}
		if err := d.Set(key, value); err != nil {
			return dst, err
		}
	}
	return Append(dst, d, protocol)
}
