package wire

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"time"
	"unicode/utf8"
)

// Marshal appends the encoding of v to dst, and returns dst as it was if there
// is an error.
func Marshal(dst []byte, w Writer, v any) ([]byte, error) {
	e := encoder{w: w, start: len(dst)}
	e.py, _ = w.(PythonWriter)
	out, err := e.any(dst, v, 0)
	if err == nil {
		err = e.size(out)
	}
	if err != nil {
		return dst, err
	}
	return out, nil
}

// An encoder is one call of Marshal.
type encoder struct {
	w     Writer
	py    PythonWriter // w, or nil
	start int
}

// size refuses values that no record can hold. It is asked on the way, so that
// a value that contains itself over and over is given up early.
func (e *encoder) size(dst []byte) error {
	if len(dst)-e.start > MaxSize {
		return fmt.Errorf("%w: the value takes more than %d bytes", ErrLimit, MaxSize)
	}
	return nil
}

// enter checks depth, the number of lists and maps around a new one.
func enter(depth int) error {
	if depth >= MaxValueDepth {
		return fmt.Errorf("%w: nested more than %d levels deep", ErrLimit, MaxValueDepth)
	}
	return nil
}

// any encodes the common types without reflection.
func (e *encoder) any(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return e.w.Nil(dst), nil
	case string:
		return e.string(dst, v)
	case bool:
		return e.w.Bool(dst, v), nil
	case int:
		return e.w.Int(dst, int64(v)), nil
	case int64:
		return e.w.Int(dst, v), nil
	case float64:
		return e.w.Float(dst, v)
	case []byte:
		return e.bytes(dst, v)
	case time.Time:
		return e.w.Time(dst, v)
	case map[string]any:
		return e.stringMap(dst, v, depth)
	case []any:
		return e.list(dst, v, depth)
	}
	return e.value(dst, reflect.ValueOf(v), depth)
}

// string encodes a string, whatever it holds: what a visitor typed must not make
// a page fail. Each format has its own way to write one that is not UTF-8.
func (e *encoder) string(dst []byte, v string) ([]byte, error) {
	if len(v) > MaxSize {
		return dst, fmt.Errorf("%w: a string of %d bytes", ErrLimit, len(v))
	}
	return e.w.String(dst, v)
}

func (e *encoder) bytes(dst, v []byte) ([]byte, error) {
	if v == nil {
		return e.w.Nil(dst), nil
	}
	if len(v) > MaxSize {
		return dst, fmt.Errorf("%w: %d bytes in one value", ErrLimit, len(v))
	}
	return e.w.Bytes(dst, v)
}

func (e *encoder) list(dst []byte, l []any, depth int) ([]byte, error) {
	if l == nil {
		return e.w.Nil(dst), nil
	}
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = e.w.List(dst, len(l))
	var err error
	for i, v := range l {
		if dst, err = e.any(e.w.Next(dst, i), v, depth+1); err != nil {
			return dst, err
		}
		if err = e.size(dst); err != nil {
			return dst, err
		}
	}
	return e.w.EndList(dst), nil
}

// value encodes any value.
func (e *encoder) value(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	for hops := 0; v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; hops++ {
		if v.IsNil() {
			return e.w.Nil(dst), nil
		}
		if hops == MaxDepth { // a pointer to itself
			return dst, fmt.Errorf("%w: a pointer that leads nowhere", ErrLimit)
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return e.w.Nil(dst), nil
	}
	info := infoOf(v.Type(), e.w)
	if (info.marshalText == byAddress || info.marshalJSON == byAddress) && !v.CanAddr() {
		// Unlike encoding/json, which would write the fields: often there are
		// none, and the value would be lost.
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p.Elem()
	}
	switch {
	case info.python && e.py != nil:
		return e.python(dst, v, info.sequence, depth)
	case info.form == isTime:
		return e.w.Time(dst, v.Interface().(time.Time))
	case info.form == isBig:
		b := v.Interface().(big.Int)
		return e.w.Big(dst, &b)
	case info.form == isExt:
		return e.w.Ext(dst, v.Interface().(Ext))
	case info.marshalJSON.on(v):
		return e.json(dst, v, info, depth)
	case info.marshalText.on(v):
		return e.text(dst, v, info)
	case info.form == isBytes:
		return e.byteList(dst, v)
	case info.form == isStruct:
		return e.structure(dst, v, info.fields, depth)
	}
	return e.kind(dst, v, depth)
}

func (e *encoder) kind(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		return e.w.Bool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return e.w.Int(dst, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return e.w.Uint(dst, v.Uint()), nil
	case reflect.Float32:
		return e.w.Float32(dst, float32(v.Float()))
	case reflect.Float64:
		return e.w.Float(dst, v.Float())
	case reflect.Complex64, reflect.Complex128:
		if e.py != nil {
			return e.py.Python(dst, v.Complex())
		}
	case reflect.String:
		return e.string(dst, v.String())
	case reflect.Slice:
		if v.IsNil() {
			return e.w.Nil(dst), nil
		}
		return e.elements(dst, v, depth)
	case reflect.Array:
		return e.elements(dst, v, depth)
	case reflect.Map:
		return e.mapping(dst, v, depth)
	}
	return dst, fmt.Errorf("%w: %s cannot be written", ErrType, v.Type())
}

// byteList encodes a slice or array of bytes.
func (e *encoder) byteList(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return e.bytes(dst, v.Bytes())
	}
	b := make([]byte, v.Len())
	for i := range b {
		b[i] = byte(v.Index(i).Uint())
	}
	return e.bytes(dst, b)
}

func (e *encoder) elements(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if err := enter(depth); err != nil {
		return dst, err
	}
	dst = e.w.List(dst, v.Len())
	var err error
	for i := range v.Len() {
		if dst, err = e.value(e.w.Next(dst, i), v.Index(i), depth+1); err != nil {
			return dst, err
		}
		if err = e.size(dst); err != nil {
			return dst, err
		}
	}
	return e.w.EndList(dst), nil
}

func (e *encoder) structure(dst []byte, v reflect.Value, fs *fields, depth int) ([]byte, error) {
	if err := enter(depth); err != nil {
		return dst, err
	}
	if fs.closed {
		return dst, fmt.Errorf("%w: %s has no exported fields, and no method to write itself", ErrType, v.Type())
	}
	n := 0
	for i := range fs.list {
		if _, ok := fs.list[i].get(v); ok {
			n++
		}
	}
	dst = e.w.Map(dst, n)
	n = 0
	for i := range fs.list {
		f := &fs.list[i]
		fv, ok := f.get(v)
		if !ok {
			continue
		}
		var err error
		if dst, err = e.string(e.w.Next(dst, n), f.name); err != nil {
			return dst, err
		}
		if dst, err = e.value(e.w.Value(dst), fv, depth+1); err != nil {
			return dst, err
		}
		if err = e.size(dst); err != nil {
			return dst, err
		}
		n++
	}
	return e.w.EndMap(dst), nil
}

// text encodes a value that writes itself as text.
func (e *encoder) text(dst []byte, v reflect.Value, info *typeInfo) ([]byte, error) {
	if info.marshalText == byAddress {
		v = v.Addr()
	}
	b, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return dst, &methodError{v.Type().String() + ".MarshalText failed", err}
	}
	if !utf8.Valid(b) {
		return dst, fmt.Errorf("%w: what %s.MarshalText returned is not UTF-8", ErrType, v.Type())
	}
	return e.string(dst, string(b))
}

// json encodes a value that writes itself as JSON.
func (e *encoder) json(dst []byte, v reflect.Value, info *typeInfo, depth int) ([]byte, error) {
	if info.marshalJSON == byAddress {
		v = v.Addr()
	}
	b, err := v.Interface().(jsonMarshaler).MarshalJSON()
	if err != nil {
		return dst, &methodError{v.Type().String() + ".MarshalJSON failed", err}
	}
	return e.w.RawJSON(dst, b, MaxValueDepth-depth)
}
