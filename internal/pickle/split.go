package pickle

import "fmt"

// A Part is one entry of a pickled dict.
type Part struct {
	// Name is the key in UTF-8 (see the package comment about surrogates) if
	// the key is a str or Markup, else nil.
	Name []byte
	// Key is the pickle of the key. [Join] takes nil for the str in Name.
	Key []byte
	// Raw is the pickle of the value.
	Raw []byte
}

// partProtocol is the protocol of keys and values in parts: the oldest that can
// hold every value without loss.
const partProtocol = 4

// Split appends the entries of the dict in the pickle data to dst, in order.
//
// Each value becomes a pickle of its own, complete and newly written: a piece
// cut out of data would refer to what other pieces put in the memo. A list
// that was one object in two values is thus two lists from then on; values
// that are shared within one entry stay so. The error matches [ErrRefused],
// [ErrMalformed] or [ErrLimit].
func Split(dst []Part, data []byte, limits Limits) ([]Part, error) {
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
				return dst, fmt.Errorf("internal/pickle: split: %w", err)
			}
			ends = append(ends, len(buf))
		}
	}
	start := 0
	cut := func(end int) []byte {
		piece := buf[start:end:end]
		start = end
		return piece
	}
	for i, e := range d.entries {
		dst = append(dst, Part{Name: keyName(e.key), Key: cut(ends[2*i]), Raw: cut(ends[2*i+1])})
	}
	return dst, nil
}

// keyName returns the name of a key, which is nil only if it has none.
func keyName(key Value) []byte {
	switch k := key.(type) {
	case string:
		return append([]byte{}, k...)
	case Markup:
		return append([]byte{}, k...)
	}
	return nil
}

// Join appends to dst the pickle, in the given protocol, of the dict that
// consists of parts. Of two parts with the same key the later one counts, in the
// place of the earlier one. The error is one of [Unmarshal] about the first part
// that is not a pickle, or one of [Append].
func Join(dst []byte, parts []Part, protocol int) ([]byte, error) {
	d := &Dict{}
	for _, p := range parts {
		var key Value = string(p.Name)
		var err error
		if p.Key != nil {
			if key, err = Unmarshal(p.Key, Limits{}); err != nil {
				return dst, fmt.Errorf("internal/pickle: join: %w", err)
			}
		}
		value, err := Unmarshal(p.Raw, Limits{})
		if err != nil {
			return dst, fmt.Errorf("internal/pickle: join: %w", err)
		}
		if err := d.Set(key, value); err != nil {
			return dst, fmt.Errorf("internal/pickle: join: %w", err)
		}
	}
	return Append(dst, d, protocol)
}
