package taggedjson

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// A pair is an entry of a map. Python sorts keys before it makes strings of
// them, so numbers sort as numbers, and kinds that it cannot compare do not mix.
type pair struct {
	text  string
	kind  keyKind
	float float64 // a number
	int   int64   // tells numbers apart that are one float
	value reflect.Value
}

type keyKind uint8

const (
	numberKey keyKind = iota
	textKey
	noneKey
)

// mapping encodes a map of any type.
func (e *encoder) mapping(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, wordNull...), nil
	}
	pairs := make([]pair, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		p, err := pairOf(it.Key())
		if err != nil {
			return dst, err
		}
		p.value = it.Value()
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, comparePairs)
	for i := range pairs[min(1, len(pairs)):] {
		if pairs[i].kind != pairs[i+1].kind {
			return dst, fmt.Errorf("%w: the keys of one map are of different kinds", wire.ErrType)
		}
		if pairs[i].text == pairs[i+1].text {
			return dst, fmt.Errorf("%w: two keys of a map are written alike", wire.ErrType)
		}
	}
	return e.dict(dst, len(pairs), depth, func(i int) string { return pairs[i].text },
		func(dst []byte, i, depth int) ([]byte, error) { return e.value(dst, pairs[i].value, depth) })
}

func comparePairs(a, b pair) int {
	if a.kind == b.kind && a.kind == numberKey {
		return cmp.Or(cmp.Compare(a.float, b.float), cmp.Compare(a.int, b.int), strings.Compare(a.text, b.text))
	}
	return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.text, b.text))
}

// pairOf returns the pair with a key, which Python would turn into a string.
func pairOf(k reflect.Value) (pair, error) {
	for k.Kind() == reflect.Interface && !k.IsNil() {
		k = k.Elem()
	}
	if k.Kind() == reflect.Interface {
		return pair{text: wordNull, kind: noneKey}, nil
	}
	if info := infoOf(k.Type()); info.marshalText.on(k) && !(k.Kind() == reflect.Pointer && k.IsNil()) {
		text, err := marshalText(k, info)
		return pair{text: text, kind: textKey}, err
	}
	switch k.Kind() {
	case reflect.String:
		return pair{text: k.String(), kind: textKey}, nil
	case reflect.Bool:
		if k.Bool() {
			return pair{text: wordTrue, float: 1}, nil
		}
		return pair{text: wordFalse}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return pair{text: strconv.FormatInt(k.Int(), 10), int: k.Int(), float: float64(k.Int())}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		u := k.Uint()
		return pair{text: strconv.FormatUint(u, 10), int: int64(u >> 1), float: float64(u)}, nil
	case reflect.Float32, reflect.Float64:
		f := k.Float()
		if k.Kind() == reflect.Float32 {
			f = widen(float32(f))
		}
		return pair{text: string(appendFloat(nil, f)), float: f}, nil
	}
	return pair{}, fmt.Errorf("%w: %s cannot be a key", wire.ErrType, k.Type())
}
