package wire

import (
	"encoding"
	"fmt"
	"reflect"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// A Sequence is what a List token is, in its Code.
type Sequence int8

// The sequences. NoSequence is a plain list.
const (
	NoSequence Sequence = iota
	Tuple
	Set
	FrozenSet
)

var sequenceNames = [...]string{"a list", "a tuple", "a set", "a frozenset"}

func (s Sequence) String() string { return sequenceNames[s] }

// A PythonReader is a Reader of a format that has Python's types.
type PythonReader interface {
	Reader
	// Python returns the value of a Python token: one of package pyvalue that
	// is no sequence, a time.Time in a zone of its own, or a complex128.
	Python(t Token) any
}

// A PythonWriter is a Writer of a format that has Python's types.
type PythonWriter interface {
	Writer
	// Python appends a value of package pyvalue that is no sequence, or a
	// complex128.
	Python(dst []byte, v any) ([]byte, error)
	// Sequence and EndSequence are List and EndList for other sequences.
	Sequence(dst []byte, s Sequence, n int) []byte
	EndSequence(dst []byte, s Sequence) ([]byte, error)
}

// python encodes a value of package pyvalue.
func (e *encoder) python(dst []byte, v reflect.Value, s Sequence, depth int) ([]byte, error) {
	if s == NoSequence {
		return e.py.Python(dst, v.Interface())
	}
	if v.IsNil() {
		return e.w.Nil(dst), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = e.py.Sequence(dst, s, v.Len())
	var err error
	for i := range v.Len() {
		if dst, err = e.value(e.w.Next(dst, i), v.Index(i), depth+1); err != nil {
			return dst, err
		}
		if err = e.size(dst); err != nil {
			return dst, err
		}
	}
	return e.py.EndSequence(dst, s)
}

// anyPython decodes a Python token into the value that it has.
func (d *decoder) anyPython(t *Token) (any, error) {
	r, ok := d.r.(PythonReader)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrType, t.Kind)
	}
	return r.Python(*t), d.charge(64 + t.N)
}

// python decodes a Python token into a variable of its own type, or else as
// what formats without the type have in its place.
func (d *decoder) python(t *Token, v reflect.Value, info *typeInfo) error {
	a, err := d.anyPython(t)
	if err != nil {
		return err
	}
	if v.Type() == reflect.TypeOf(a) || v.Kind() == reflect.Interface && v.NumMethod() == 0 {
		v.Set(reflect.ValueOf(a))
		return nil
	}
	if u, ok := a.(pyvalue.UUID); ok && info.form == isBytes && info.unmarshalText == no {
		return d.token(&Token{Kind: Bytes, Data: u[:]}, v)
	}
	plain, ok := lower(a)
	if !ok {
		return fmt.Errorf("%w: a %s does not fit %s", ErrType, pythonName(a), v.Type())
	}
	return d.token(&plain, v)
}

// lower returns what formats without Python's types have in the place of v; ok
// is false if that is nothing.
func lower(v any) (t Token, ok bool) {
	switch v := v.(type) {
	case pyvalue.Markup:
		return Token{Kind: String, Data: []byte(v)}, true
	case pyvalue.ByteArray:
		return Token{Kind: Bytes, Data: v}, true
	case time.Time:
		return Token{Kind: Time, Int: v.Unix(), N: v.Nanosecond()}, true
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		return Token{Kind: String, Data: text}, err == nil
	}
	return t, false
}

// pythonName names the type of a Python token's value as Python does.
func pythonName(v any) string {
	switch v.(type) {
	case time.Time, pyvalue.DateTime:
		return "datetime"
	case pyvalue.Zone:
		return "timezone"
	case complex128:
		return "complex"
	case pyvalue.Markup, pyvalue.UUID, pyvalue.Decimal:
		return reflect.TypeOf(v).Name()
	}
	return map[string]string{"ByteArray": "bytearray", "Date": "date", "Time": "time", "TimeDelta": "timedelta"}[reflect.TypeOf(v).Name()]
}
