package wire

import (
	"reflect"
	"slices"
	"strings"
)

// stringMap is mapping for the map that is most frequent.
func (e *encoder) stringMap(dst []byte, m map[string]any, depth int) ([]byte, error) {
	if m == nil {
		return e.w.Nil(dst), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = e.w.Map(dst, len(m))
	var err error
	for i, k := range keys {
		if dst, err = e.string(e.w.Next(dst, i), k); err != nil {
			return dst, err
		}
		if dst, err = e.any(e.w.Value(dst), m[k], depth+1); err != nil {
			return dst, err
		}
		if err = e.size(dst); err != nil {
			return dst, err
		}
	}
	return e.w.EndMap(dst), nil
}

// mapping encodes a map, in an order that does not change: strings first, as
// they sort, then other keys by their encoding.
func (e *encoder) mapping(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return e.w.Nil(dst), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	pairs, err := e.pairs(v, depth)
	if err != nil {
		return dst, err
	}
	dst = e.w.Map(dst, len(pairs))
	for i, p := range pairs {
		dst = e.w.Next(dst, i)
		if p.isText {
			dst, err = e.string(dst, p.key)
		} else {
			dst, err = e.w.Key(dst, []byte(p.key))
		}
		if err != nil {
			return dst, err
		}
		if dst, err = e.value(e.w.Value(dst), p.value, depth+1); err != nil {
			return dst, err
		}
		if err = e.size(dst); err != nil {
			return dst, err
		}
	}
	return e.w.EndMap(dst), nil
}

// A pair is an entry of a map. Its key is a string, or else encoded.
type pair struct {
	key    string
	isText bool
	value  reflect.Value
}

func (e *encoder) pairs(v reflect.Value, depth int) ([]pair, error) {
	pairs := make([]pair, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		k := it.Key()
		for k.Kind() == reflect.Interface && !k.IsNil() {
			k = k.Elem()
		}
		p := pair{value: it.Value()}
		if k.Kind() == reflect.String && infoOf(k.Type(), e.w).marshalText == no {
			p.key, p.isText = k.String(), true
		} else {
			b, err := e.value(nil, k, depth+1)
			if err != nil {
				return nil, err
			}
			p.key = string(b)
		}
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.isText != b.isText {
			return -compareBool(a.isText, b.isText)
		}
		return strings.Compare(a.key, b.key)
	})
	return pairs, nil
}
