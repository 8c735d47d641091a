package wire

import (
	"bytes"
	"reflect"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// A Judge says of Go values whether one format gives them back as they were. It
// may be used by several goroutines.
//
// Most types are known to come back, whatever their values. For the others
// the value has to be read back and compared, see [Same]: those that write
// themselves by methods, or have fields that are not written.
type Judge struct {
	w           Writer
	zeroTimeNil bool     // the zero time is written as nil
	types       sync.Map // reflect.Type to certainty
}

// NewJudge returns the Judge of the format that w writes.
func NewJudge(w Writer) *Judge {
	zero, err := w.Time(nil, time.Time{})
	return &Judge{w: w, zeroTimeNil: err == nil && bytes.Equal(zero, w.Nil(nil))}
}

// A Judged is a codec that has a Judge.
type Judged interface {
	Judge() *Judge
}

// A certainty says how a type can be judged. The larger one decides.
type certainty uint8

const (
	sure   certainty = iota // every value comes back
	inside                  // decided by what its variables of type any hold, and its fields that are not written
	unsure                  // only reading it back can tell
)

// Sizes up to which a value of a type that is sure need not be read back.
// Together they bound what it takes in memory, in which no more than
// MaxMemory can be read: a byte of its encoding is at most one element.
const (
	maxSureElement = 1 << 10
	maxSureSize    = MaxMemory / maxSureElement / 2
)

// Doubts reports whether v, a value of type t that takes size bytes, has to be
// read back to know whether it comes back as it is. v has been written without
// an error.
func (j *Judge) Doubts(t reflect.Type, v any, size int) bool {
	switch v.(type) {
	case string, bool, int, int64:
		return false
	}
	if size > maxSureSize {
		return true
	}
	switch j.certainty(t) {
	case sure:
		return false
	case inside:
		return j.doubts(reflect.ValueOf(v))
	}
	return true
}

func (j *Judge) certainty(t reflect.Type) certainty {
	if c, ok := j.types.Load(t); ok {
		return c.(certainty)
	}
	c := j.examine(t, make(map[reflect.Type]bool))
	j.types.Store(t, c)
	return c
}

// examine returns the certainty of t and all types within, but for those in
// seen.
func (j *Judge) examine(t reflect.Type, seen map[reflect.Type]bool) certainty {
	if seen[t] {
		return sure
	}
	seen[t] = true
	info := infoOf(t, j.w)
	switch {
	case info.form == isTime, info.form == isBig:
		return sure
	case info.form == isExt, info.python, t.Size() > maxSureElement,
		info.marshalText != no, info.unmarshalText != no, info.marshalJSON != no, info.unmarshalJSON != no:
		return unsure
	}
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return inside
		}
	case reflect.Pointer:
		if !j.nilable(t.Elem()) {
			return j.examine(t.Elem(), seen)
		}
	case reflect.Slice, reflect.Array:
		if info.form == isBytes {
			return sure
		}
		return j.examine(t.Elem(), seen)
	case reflect.Map:
		if j.surelyKey(t.Key()) {
			return j.examine(t.Elem(), seen)
		}
	case reflect.Struct:
		return j.structure(t, info.fields, seen)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer: // which are refused
	default:
		return sure
	}
	return unsure
}

// nilable reports whether a value of t can be written as nil. A pointer to it
// would come back as nil then.
func (j *Judge) nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return t == timeType && j.zeroTimeNil
}

// surelyKey reports whether distinct values of t are distinct keys.
func (j *Judge) surelyKey(t reflect.Type) bool {
	if info := infoOf(t, j.w); info.marshalText != no || info.unmarshalText != no || info.marshalJSON != no || info.unmarshalJSON != no {
		return false
	}
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return pythonTypes[t] == NoSequence
	}
	return false
}

var zeroer = reflect.TypeFor[interface{ IsZero() bool }]()

func (j *Judge) structure(t reflect.Type, fs *fields, seen map[reflect.Type]bool) certainty {
	if fs.closed {
		return unsure
	}
	c := sure
	if len(fs.lost) > 0 {
		c = inside
	}
	for i := range fs.list {
		f := &fs.list[i]
		ft := t.FieldByIndex(f.index).Type
		if f.omitZero && ft != timeType && (ft.Kind() == reflect.Interface || ft.Implements(zeroer)) {
			return unsure // what calls itself zero may be more than that
		}
		c = max(c, j.examine(ft, seen))
	}
	return c
}

// doubts is Doubts for v, as far as its type leaves it open.
func (j *Judge) doubts(v reflect.Value) bool {
	switch j.certainty(v.Type()) {
	case sure:
		return false
	case unsure:
		return true
	}
	switch v.Kind() {
	case reflect.Interface:
		return doubtsAny(v.Interface())
	case reflect.Pointer:
		return !v.IsNil() && j.doubts(v.Elem())
	case reflect.Map:
		if m, ok := v.Interface().(map[string]any); ok {
			return doubtsAny(m)
		}
		for it := v.MapRange(); it.Next(); {
			if j.doubts(it.Value()) {
				return true
			}
		}
		return false
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if j.doubts(v.Index(i)) {
				return true
			}
		}
		return false
	case reflect.Struct:
		fs := infoOf(v.Type(), j.w).fields
		for _, index := range fs.lost {
			if !v.FieldByIndex(index).IsZero() {
				return true
			}
		}
		for i := range fs.list {
			if fv, ok := fs.list[i].get(v); ok && j.doubts(fv) {
				return true
			}
		}
		return false
	}
	return true
}

// doubtsAny is Doubts for what a variable of type any holds.
func doubtsAny(v any) bool {
	switch v := v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return false
	case string:
		return !utf8.ValidString(v)
	case []any:
		return slices.ContainsFunc(v, doubtsAny)
	case map[string]any:
		for _, e := range v {
			if doubtsAny(e) {
				return true
			}
		}
		return false
	}
	return true
}
