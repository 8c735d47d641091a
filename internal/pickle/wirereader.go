package pickle

import (
	"fmt"
	"math/big"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Reader reads a Value piece by piece.
type Reader struct {
	open []cursor // the containers being read, the innermost last
	last Value    // what the last token is about
}

var _ wire.PythonReader = (*Reader)(nil)

// NewReader returns a Reader of a value that [Unmarshal] returned.
func NewReader(v Value) *Reader {
	return &Reader{open: []cursor{{items: []Value{v}}}}
}

// A cursor is a place in a container, which is of items or of entries.
type cursor struct {
	items   []Value
	entries []entry
	dict    bool // entries have values
	value   bool // that of the first entry is next
}

// next returns the next value of the container; ok is false at its end.
func (c *cursor) next() (v Value, isKey, ok bool) {
	switch {
	case len(c.items) > 0:
		v, c.items = c.items[0], c.items[1:]
		return v, false, true
	case len(c.entries) == 0:
		return nil, false, false
	case c.value:
		v, c.entries, c.value = c.entries[0].value, c.entries[1:], false
		return v, false, true
	case c.dict:
		c.value = true
		return c.entries[0].key, true, true
	}
	v, c.entries = c.entries[0].key, c.entries[1:]
	return v, false, true
}

func (r *Reader) take() (v Value, isKey bool, err error) {
	for len(r.open) > 0 {
		v, isKey, ok := r.open[len(r.open)-1].next()
		if ok {
			return v, isKey, nil
		}
		r.open = r.open[:len(r.open)-1]
	}
	return nil, false, fmt.Errorf("%w: a value is missing", ErrMalformed)
}

// Next implements [wire.Reader].
func (r *Reader) Next() (t wire.Token, err error) {
	v, isKey, err := r.take()
	if err != nil {
		return t, err
	}
	if m, ok := v.(Markup); ok && isKey {
		v = string(m) // to Python the same key
	}
	r.last = v
	switch v := v.(type) {
	case nil:
	case bool:
		t.Kind, t.Bool = wire.Bool, v
	case int64:
		t.Kind, t.Int = wire.Int, v
	case *big.Int:
		t.Kind = wire.Big
		if v.IsUint64() {
			t.Kind, t.Uint = wire.Uint, v.Uint64()
		}
	case float64:
		t.Kind, t.Float = wire.Float, v
	case string:
		t.Kind, t.Data = wire.String, []byte(v)
	case []byte:
		t.Kind, t.Data = wire.Bytes, v
	case *List:
		return r.list(wire.NoSequence, cursor{items: v.Items}), nil
	case *Tuple:
		return r.list(wire.Tuple, cursor{items: v.Items}), nil
	case *Set:
		return r.list(wire.Set, cursor{entries: v.entries}), nil
	case *FrozenSet:
		return r.list(wire.FrozenSet, cursor{entries: v.entries}), nil
	case *Dict:
		t.Kind, t.N = wire.Map, v.Len()
		r.open = append(r.open, cursor{entries: v.entries, dict: true})
	default:
		r.python(&t)
	}
	return t, nil
}

func (r *Reader) list(s wire.Sequence, c cursor) wire.Token {
	r.open = append(r.open, c)
	return wire.Token{Kind: wire.List, Code: int8(s), N: len(c.items) + len(c.entries)}
}

// python makes t the token of what only Python has.
func (r *Reader) python(t *wire.Token) {
	t.Kind = wire.Python
	switch v := r.last.(type) {
	case Markup:
		t.N = len(v)
	case ByteArray:
		t.N = len(v)
	case Decimal:
		t.N = len(v)
	case DateTime:
		if v.Zone.Aware {
			r.last = v.When()
		}
	}
}

// Python implements [wire.PythonReader].
func (r *Reader) Python(wire.Token) any { return r.last }

// More implements [wire.Reader].
func (r *Reader) More(left int) (int, bool) { return left - 1, left > 0 }

// Raw implements [wire.Reader], but for the bytes: they are only asked for
// where a value is left out, and in JSON.
func (r *Reader) Raw() ([]byte, error) {
	_, _, err := r.take()
	return nil, err
}

// Bytes implements [wire.Reader]: a string is text, and nothing else.
func (r *Reader) Bytes(wire.Token) ([]byte, error) {
	return nil, fmt.Errorf("%w: a str is not bytes", ErrValue)
}

// Big implements [wire.Reader].
func (r *Reader) Big(wire.Token) (*big.Int, error) {
	n, ok := r.last.(*big.Int)
	if !ok {
		return nil, fmt.Errorf("%w: not a large integer", ErrMalformed)
	}
	return new(big.Int).Set(n), nil
}
