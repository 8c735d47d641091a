package taggedjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// marshalText returns the text of a value that writes itself.
func marshalText(v reflect.Value, info *typeInfo) (string, error) {
	if info.marshalText == byAddress {
		v = v.Addr()
	}
	m, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		return "", fmt.Errorf("%w: %s cannot be written", wire.ErrType, v.Type())
	}
	text, err := m.MarshalText()
	if err != nil {
		return "", &methodError{v.Type().String() + ".MarshalText failed", err}
	}
	return string(text), nil
}

// json encodes a value that writes itself as JSON. The text is written anew: its
// keys have to be sorted and its dictionaries to be told from tags.
func (e *encoder) json(dst []byte, v reflect.Value, info *typeInfo, depth int) ([]byte, error) {
	if info.marshalJSON == byAddress {
		v = v.Addr()
	}
	m, ok := v.Interface().(json.Marshaler)
	if !ok {
		return dst, fmt.Errorf("%w: %s cannot be written", wire.ErrType, v.Type())
	}
	text, err := m.MarshalJSON()
	if err != nil {
		return dst, &methodError{v.Type().String() + ".MarshalJSON failed", err}
	}
	if len(text) > wire.MaxSize {
		return dst, errSize
	}
	if err := jsontext.Check(text, wire.MaxValueDepth-depth); err != nil {
		return dst, err
	}
	var plain any
	if err := wire.Unmarshal(jsontext.NewReader(text), jsontext.Writer{}, &plain); err != nil {
		return dst, err
	}
	return e.any(dst, plain, depth)
}

// text lets a value read itself from a string.
func (d *decoder) text(text []byte, v reflect.Value) error {
	u, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return fmt.Errorf("%w: %s cannot be read", wire.ErrType, v.Type())
	}
	if err := d.charge(len(text)); err != nil {
		return err
	}
	if err := u.UnmarshalText(append([]byte{}, text...)); err != nil { // the method may keep it, or write to it
		return &methodError{v.Type().String() + " does not accept the text", err}
	}
	return nil
}

// readsJSON reports whether t, or what it points to, reads itself from JSON.
func readsJSON(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return infoOf(t).unmarshalJSON != no
}

// json lets a value read itself from JSON. It gets plain JSON, as package
// codec's JSON would write the value. null stands for the zero value, as
// everywhere.
func (d *decoder) json(v reflect.Value) error {
	a, err := d.any()
	if err != nil {
		return err
	}
	if a == nil {
		v.SetZero()
		return nil
	}
	text, err := wire.Marshal(nil, jsontext.Writer{}, a)
	if err != nil {
		return err
	}
	for v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	u, ok := v.Addr().Interface().(json.Unmarshaler)
	if !ok {
		return fmt.Errorf("%w: %s cannot be read", wire.ErrType, v.Type())
	}
	if err := u.UnmarshalJSON(text); err != nil {
		return &methodError{v.Type().String() + " does not accept the JSON", err}
	}
	return nil
}

// A methodError is the failure of a method that a type brought along. Its text
// leaves out the cause, which may quote the value; errors.Is and errors.As find
// it.
type methodError struct {
	text  string
	cause error
}

func (e *methodError) Error() string   { return wire.ErrType.Error() + ": " + e.text }
func (e *methodError) Unwrap() []error { return []error{wire.ErrType, e.cause} }
