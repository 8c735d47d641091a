package taggedjson

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// An encoder is one call of Marshal.
type encoder struct{ start int }

// size refuses values that no record can hold. It is asked on the way, so that
// a value that contains itself over and over is given up early.
func (e *encoder) size(dst []byte) error {
	if len(dst)-e.start > wire.MaxSize {
		return errSize
	}
	return nil
}

// enter checks that a list or dictionary may be opened inside depth others. Tags
// count: what is written must be readable.
func enter(depth int) error {
	if depth >= wire.MaxValueDepth {
		return errDepth
	}
	return nil
}

// any encodes the common types without reflection.
func (e *encoder) any(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, wordNull...), nil
	case string:
		return e.anyText(dst, v, depth)
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return appendFloat(dst, v), nil
	case []byte:
		return e.bytes(dst, v, depth)
	case time.Time:
		return e.time(dst, v, depth)
	case pyvalue.Markup:
		return e.markup(dst, v, depth)
	case pyvalue.UUID:
		return e.uuid(dst, v, depth)
	case pyvalue.Tuple:
		return e.tuple(dst, v, depth)
	case []any:
		return e.list(dst, v, depth)
	case map[string]any:
		return e.stringMap(dst, v, depth)
	}
	return e.value(dst, reflect.ValueOf(v), depth)
}

// value encodes any value.
func (e *encoder) value(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	for hops := 0; v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; hops++ {
		if v.IsNil() {
			return append(dst, wordNull...), nil
		}
		if hops == wire.MaxDepth {
			return dst, fmt.Errorf("%w: a pointer that leads nowhere", wire.ErrLimit)
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return append(dst, wordNull...), nil
	}
	info := infoOf(v.Type())
	switch info.form {
	case isTime, isMarkup, isUUID, isTuple:
		return e.any(dst, v.Interface(), depth)
	case isDate:
		return e.date(dst, v.Interface().(pyvalue.Date))
	case isDateTime:
		return e.time(dst, v.Interface().(pyvalue.DateTime).When(), depth)
	case isRefused:
		return dst, fmt.Errorf("%w: %s cannot be written", wire.ErrType, v.Type())
	case isBig:
		b := v.Interface().(big.Int)
		return appendBig(dst, &b)
	case isExt:
		return dst, fmt.Errorf("%w: tagged JSON has no extension values", wire.ErrType)
	}
	switch {
	case info.marshalJSON.on(v):
		return e.json(dst, v, info, depth)
	case info.marshalText.on(v):
		text, err := marshalText(v, info)
		if err != nil {
			return dst, err
		}
		return e.string(dst, text)
	case info.form == isBytes:
		return e.byteList(dst, v, depth)
	case info.form == isStruct:
		return e.structure(dst, v, info.fields, depth)
	}
	return e.kind(dst, v, depth)
}

func (e *encoder) kind(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case reflect.Float32:
		return appendFloat(dst, widen(float32(v.Float()))), nil
	case reflect.Float64:
		return appendFloat(dst, v.Float()), nil
	case reflect.String:
		return e.anyText(dst, v.String(), depth)
	case reflect.Slice:
		if v.IsNil() {
			return append(dst, wordNull...), nil
		}
		return e.elements(dst, v, depth)
	case reflect.Array:
		return e.elements(dst, v, depth)
	case reflect.Map:
		return e.mapping(dst, v, depth)
	}
	return dst, fmt.Errorf("%w: %s cannot be written", wire.ErrType, v.Type())
}

// anyText encodes a string that is a value, whatever it holds: what a visitor
// typed must not make a page fail. Text that is not UTF-8 is written as bytes,
// and read back into a string as it was.
func (e *encoder) anyText(dst []byte, v string, depth int) ([]byte, error) {
	if utf8.ValidString(v) {
		return e.string(dst, v)
	}
	return e.bytes(dst, []byte(v), depth)
}

// string encodes a string that has to be UTF-8.
func (e *encoder) string(dst []byte, v string) ([]byte, error) {
	if len(v) > wire.MaxSize {
		return dst, errSize
	}
	if !utf8.ValidString(v) {
		return dst, fmt.Errorf("%w: a name or markup is not valid UTF-8", wire.ErrType)
	}
	return appendQuoted(dst, v), nil
}

func (e *encoder) bytes(dst, v []byte, depth int) ([]byte, error) {
	if v == nil {
		return append(dst, wordNull...), nil
	}
	if len(v) > wire.MaxSize {
		return dst, errSize
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, `{" b":"`...), v)
	return append(dst, `"}`...), nil
}

// byteList encodes a slice or array of bytes.
func (e *encoder) byteList(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return e.bytes(dst, v.Bytes(), depth)
	}
	b := make([]byte, v.Len())
	for i := range b {
		b[i] = byte(v.Index(i).Uint())
	}
	return e.bytes(dst, b, depth)
}

// time encodes the zero time as None: Flask would read back another year.
func (e *encoder) time(dst []byte, v time.Time, depth int) ([]byte, error) {
	if v.IsZero() {
		return append(dst, wordNull...), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	return appendTime(dst, v)
}

// date encodes a date as Flask does: as the text of its midnight, which a reader
// takes for a string.
func (e *encoder) date(dst []byte, v pyvalue.Date) ([]byte, error) {
	if !v.Valid() || v.Year < firstYear {
		return dst, errYear
	}
	midnight := pyvalue.DateTime{Date: v}.When()
	return append(midnight.AppendFormat(append(dst, '"'), httpDate), '"'), nil
}

func (e *encoder) markup(dst []byte, v pyvalue.Markup, depth int) ([]byte, error) {
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst, err := e.string(append(dst, `{" m":`...), string(v))
	return append(dst, '}'), err
}

func (e *encoder) uuid(dst []byte, v pyvalue.UUID, depth int) ([]byte, error) {
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = append(append(dst, `{" u":"`...), v.Hex()...)
	return append(dst, `"}`...), nil
}

func (e *encoder) tuple(dst []byte, v pyvalue.Tuple, depth int) ([]byte, error) {
	if v == nil {
		return append(dst, wordNull...), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst, err := e.list(append(dst, `{" t":`...), v, depth+1)
	return append(dst, '}'), err
}

func (e *encoder) list(dst []byte, v []any, depth int) ([]byte, error) {
	if v == nil {
		return append(dst, wordNull...), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = append(dst, '[')
	for i, item := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.any(dst, item, depth+1); err == nil {
			err = e.size(dst)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// elements encodes a slice or array of another type.
func (e *encoder) elements(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.value(dst, v.Index(i), depth+1); err == nil {
			err = e.size(dst)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// stringMap is mapping for the map that is most frequent.
func (e *encoder) stringMap(dst []byte, m map[string]any, depth int) ([]byte, error) {
	if m == nil {
		return append(dst, wordNull...), nil
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return e.dict(dst, len(keys), depth, func(i int) string { return keys[i] },
		func(dst []byte, i, depth int) ([]byte, error) { return e.any(dst, m[keys[i]], depth) })
}

// dict encodes a dictionary of n pairs, which are in order. Like Flask it wraps
// one that a reader would take for a tag.
func (e *encoder) dict(dst []byte, n, depth int, key func(int) string,
	value func(dst []byte, i, depth int) ([]byte, error)) ([]byte, error) {
	if err := enter(depth); err != nil {
		return dst, err
	}
	if n == 1 && tagNamed(key(0)) != none {
		if err := enter(depth + 1); err != nil {
			return dst, err
		}
		dst, err := value(appendEscape(dst, key(0)), 0, depth+2)
		return append(dst, "}}"...), err
	}
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.string(dst, key(i)); err != nil {
			return dst, err
		}
		if dst, err = value(append(dst, ':'), i, depth+1); err == nil {
			err = e.size(dst)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (e *encoder) structure(dst []byte, v reflect.Value, all []field, depth int) ([]byte, error) {
	type member struct {
		name  string
		value reflect.Value
	}
	members := make([]member, 0, len(all))
	for i := range all {
		if fv, ok := all[i].get(v); ok {
			members = append(members, member{all[i].name, fv})
		}
	}
	return e.dict(dst, len(members), depth, func(i int) string { return members[i].name },
		func(dst []byte, i, depth int) ([]byte, error) { return e.value(dst, members[i].value, depth) })
}
