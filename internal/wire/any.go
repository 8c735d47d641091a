package wire

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// What a map takes in memory, by the worst case: a map of one entry has room
// for eight.
const (
	mapHeader = 80
	mapEntry  = 16
	mapGroup  = 8 * (16 + 16)
)

// any decodes the value that begins with t into the Go type that is natural
// for it.
func (d *decoder) any(t *Token) (any, error) {
	switch t.Kind {
	case Bool:
		return t.Bool, nil
	case Int:
		return t.Int, d.charge(8)
	case Uint:
		return t.Uint, d.charge(8)
	case Float:
		return t.Float, d.charge(8)
	case Big:
		return d.bigOf(t)
	case String:
		return string(t.Data), d.charge(16 + len(t.Data))
	case Bytes:
		if err := d.charge(24); err != nil {
			return nil, err
		}
		b, err := d.copied(t.Data)
		return b, err
	case Time:
		return t.Time(), d.charge(24)
	case Extension:
		if err := d.charge(32); err != nil {
			return nil, err
		}
		data, err := d.copied(t.Data)
		return Ext{t.Code, data}, err
	case List:
		return d.anyList(t)
	case Map:
		return d.anyMap(t)
	case Python:
		return d.anyPython(t)
	}
	return nil, nil
}

func (d *decoder) nextAny() (any, error) {
	t, err := d.r.Next()
	if err != nil {
		return nil, err
	}
	return d.any(&t)
}

// bigOf returns any integer, or nil if t is none.
func (d *decoder) bigOf(t *Token) (*big.Int, error) {
	switch t.Kind {
	case Int:
		return big.NewInt(t.Int), d.charge(40)
	case Uint:
		return new(big.Int).SetUint64(t.Uint), d.charge(40)
	case Big:
		if err := d.charge(40 + len(t.Data)); err != nil {
			return nil, err
		}
		return d.r.Big(*t)
	}
	return nil, nil
}

func (d *decoder) anyList(t *Token) (any, error) {
	n := max(t.N, 0)
	if err := d.charge(24 + 16*n); err != nil {
		return nil, err
	}
	list := make([]any, 0, n)
	for left, ok := d.r.More(t.N); ok; left, ok = d.r.More(left) {
		if len(list) == cap(list) {
			if err := d.charge(16 * (len(list) + 1)); err != nil {
				return nil, err
			}
		}
		v, err := d.nextAny()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	switch Sequence(t.Code) {
	case Tuple:
		return pyvalue.Tuple(list), nil
	case Set:
		return pyvalue.Set(list), nil
	case FrozenSet:
		return pyvalue.FrozenSet(list), nil
	}
	return list, nil
}

// anyMap decodes a map with string keys, and hands over to mixedMap at the
// first other key.
func (d *decoder) anyMap(t *Token) (any, error) {
	if err := d.charge(mapHeader); err != nil {
		return nil, err
	}
	m := make(map[string]any)
	for left, ok := d.r.More(t.N); ok; left, ok = d.r.More(left) {
		key, err := d.r.Next()
		if err != nil {
			return nil, err
		}
		if !key.IsText() {
			return d.mixedMap(m, key, left)
		}
		if err := d.chargeEntry(len(m), len(key.Data)); err != nil {
			return nil, err
		}
		v, err := d.nextAny()
		if err != nil {
			return nil, err
		}
		m[string(key.Data)] = v
	}
	return m, nil
}

// mixedMap goes on with a map at a key that is not a string.
func (d *decoder) mixedMap(strings map[string]any, key Token, left int) (any, error) {
	if err := d.charge(mapHeader + (len(strings)+8)*2*mapEntry); err != nil {
		return nil, err
	}
	m := make(map[any]any)
	for k, v := range strings {
		m[k] = v
	}
	for {
		k, err := d.anyKey(&key)
		if err != nil {
			return nil, err
		}
		if err := d.chargeEntry(len(m), 0); err != nil {
			return nil, err
		}
		if m[k], err = d.nextAny(); err != nil {
			return nil, err
		}
		var ok bool
		if left, ok = d.r.More(left); !ok {
			return m, nil
		}
		if key, err = d.r.Next(); err != nil {
			return nil, err
		}
	}
}

func (d *decoder) chargeEntry(have, key int) error {
	n := 4*mapEntry + 16 + key
	if have == 0 {
		n += mapGroup
	}
	return d.charge(n)
}

// anyKey decodes a key of a map[any]any.
func (d *decoder) anyKey(t *Token) (any, error) {
	if t.IsText() {
		return string(t.Data), d.charge(16 + len(t.Data))
	}
	switch t.Kind {
	case List, Map, Bytes, Extension, Big:
		return nil, fmt.Errorf("%w: %s cannot be a key", ErrType, t.Kind)
	}
	return d.any(t)
}

// number returns the number or boolean that a key's text stands for, for a variable of
// kind k, or the zero Token.
func (t *Token) number(k reflect.Kind) (n Token) {
	text := string(t.Data)
	switch k {
	case reflect.Bool:
		if text == "true" || text == "false" {
			n.Kind, n.Bool = Bool, text == "true"
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			n.Kind, n.Int = Int, i
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if u, err := strconv.ParseUint(text, 10, 64); err == nil {
			if n.Kind, n.Uint = Uint, u; u <= math.MaxInt64 {
				n.Kind, n.Int = Int, int64(u)
			}
		}
	case reflect.Float32, reflect.Float64:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			n.Kind, n.Float = Float, f
		}
	}
	return n
}
