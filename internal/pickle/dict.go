package pickle

import "iter"

// A Dict is a Python dict. It keeps the order of insertion and takes every key
// that Python can hash; the zero value is an empty dict. Keys are equal as in
// Python: 1, 1.0 and True are one key, and so are a str and a Markup of the same
// text. (Decimals are equal only to decimals that are spelled alike.)
//
// A Dict is not safe for concurrent use while it is being changed.
type Dict struct{ table }

// All yields the entries in order.
func (d *Dict) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for _, e := range d.entries {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Get returns the value of key.
func (d *Dict) Get(key Value) (Value, bool) {
	id, err := identify(key, nil)
	if err != nil {
		return nil, false
	}
	i, ok := d.find(id)
	if !ok {
		return nil, false
	}
	return d.entries[i].value, true
}

// Set gives key a value. As in Python, a key that is already there keeps its
// place and its spelling. The error matches [ErrValue] if Python could not
// hash the key, or if it is no Value.
func (d *Dict) Set(key, value Value) error {
	id, err := identify(key, nil)
	if err != nil {
		return err
	}
	d.set(id, key, value)
	return nil
}

// A Set is a Python set. It keeps the order of insertion, which means nothing;
// the zero value is an empty set. Items are equal as keys of a [Dict] are.
type Set struct{ table }

// All yields the items.
func (s *Set) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for _, e := range s.entries {
			if !yield(e.key) {
				return
			}
		}
	}
}

// Has reports whether item is in the set.
func (s *Set) Has(item Value) bool {
	id, err := identify(item, nil)
	if err != nil {
		return false
	}
	_, ok := s.find(id)
	return ok
}

// Add puts item into the set, unless it is there. The error matches
// [ErrValue] if Python could not hash the item, or if it is no Value.
func (s *Set) Add(item Value) error {
	id, err := identify(item, nil)
	if err != nil {
		return err
	}
	s.set(id, item, nil)
	return nil
}

// A FrozenSet is a Python frozenset, which unlike a [Set] can be a key. It must
// not be changed once it is one.
type FrozenSet struct{ Set }

// A table holds entries in order, and finds them by the identities of their
// keys (see identify). The items of a set are keys without values.
type table struct {
	entries []entry
	at      map[any]int // places by identity; nil while the table is small
}

type entry struct{ id, key, value any }

// small is the size up to which comparing one by one is cheaper than a map,
// in time and above all in memory.
const small = 8

// Len returns the number of entries or items.
func (t *table) Len() int { return len(t.entries) }

func (t *table) find(id any) (int, bool) {
	if t.at != nil {
		i, ok := t.at[id]
		return i, ok
	}
	for i := range t.entries {
		if t.entries[i].id == id {
			return i, true
		}
	}
	return 0, false
}

func (t *table) set(id any, key, value Value) {
	if i, ok := t.find(id); ok {
		t.entries[i].value = value
		return
	}
	t.entries = append(t.entries, entry{id, key, value})
	if t.at != nil {
		t.at[id] = len(t.entries) - 1
	} else if len(t.entries) > small {
		t.at = make(map[any]int, 2*small)
		for i, e := range t.entries {
			t.at[e.id] = i
		}
	}
}
