package wire

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"
)

// Unmarshal decodes the value that r reads into dst, a non-nil pointer. The
// value must have been checked as a whole, which bounds its depth.
//
// Fields of a struct that the value does not have stay as they are; all else
// is replaced.
func Unmarshal(r Reader, w Writer, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("%w: the destination is %T, not a pointer to a variable", ErrType, dst)
	}
	d := decoder{r: r, w: w, memory: MaxMemory}
	return d.value(v.Elem())
}

// A decoder is one call of Unmarshal.
type decoder struct {
	r      Reader
	w      Writer
	memory int // that may still be taken
}

// charge accounts for memory before it is taken.
func (d *decoder) charge(n int) error {
	if n < 0 || n > d.memory {
		return fmt.Errorf("%w: the value takes more than %d bytes in memory", ErrLimit, MaxMemory)
	}
	d.memory -= n
	return nil
}

// chargeEach is charge for n elements of size bytes. Their product may be more
// than an int holds, where that has 32 bits.
func (d *decoder) chargeEach(n, size int) error {
	if size > 0 && n > d.memory/size {
		return d.charge(-1)
	}
	return d.charge(n * size)
}

// value decodes the next value into v.
func (d *decoder) value(v reflect.Value) error {
	if d.w.JSON() && d.readsJSON(v.Type()) {
		return d.json(v)
	}
	t, err := d.r.Next()
	if err != nil {
		return err
	}
	return d.token(&t, v)
}

// token decodes into v the value that begins with t.
func (d *decoder) token(t *Token, v reflect.Value) error {
	if t.Kind == Nil {
		v.SetZero()
		return nil
	}
	if v.Kind() == reflect.Pointer {
		return d.pointer(t, v)
	}
	info := infoOf(v.Type(), d.w)
	if t.Kind == Python {
		return d.python(t, v, info)
	}
	switch {
	case info.form == isTime:
		return d.time(t, v)
	case info.form == isBig:
		return d.big(t, v)
	case info.form == isExt:
		return d.ext(t, v)
	case t.Kind == String && info.unmarshalText.on(v):
		return d.text(t, v)
	}
	switch v.Kind() {
	case reflect.Interface:
		return d.iface(t, v)
	case reflect.Struct:
		return d.structure(t, v, info.fields)
	case reflect.Map:
		return d.mapping(t, v)
	case reflect.Slice:
		return d.slice(t, v, info)
	case reflect.Array:
		return d.array(t, v, info)
	}
	return d.scalar(t, v)
}

func mismatch(t *Token, v reflect.Value) error {
	return fmt.Errorf("%w: %s does not fit %s", ErrType, t.Kind, v.Type())
}

// pointer decodes into a new variable.
func (d *decoder) pointer(t *Token, v reflect.Value) error {
	et := v.Type().Elem()
	if err := d.charge(int(et.Size())); err != nil {
		return err
	}
	p := reflect.New(et)
	if err := d.token(t, p.Elem()); err != nil {
		return err
	}
	v.Set(p)
	return nil
}

func (d *decoder) iface(t *Token, v reflect.Value) error {
	if v.NumMethod() != 0 {
		return mismatch(t, v)
	}
	a, err := d.any(t)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(a))
	return nil
}

// scalar decodes into a variable of a basic kind. Nothing is cut off to make
// it fit.
func (d *decoder) scalar(t *Token, v reflect.Value) error {
	fits := false
	switch v.Kind() {
	case reflect.Bool:
		if fits = t.Kind == Bool; fits {
			v.SetBool(t.Bool)
		}
	case reflect.String:
		if fits = t.IsText(); fits {
			if err := d.charge(len(t.Data)); err != nil {
				return err
			}
			v.SetString(string(t.Data))
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if fits = t.Kind == Int && !v.OverflowInt(t.Int); fits {
			v.SetInt(t.Int)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		u, ok := t.unsigned()
		if fits = ok && !v.OverflowUint(u); fits {
			v.SetUint(u)
		}
	case reflect.Float32, reflect.Float64:
		f, ok := t.float(v.Kind() == reflect.Float32)
		if fits = ok; fits {
			v.SetFloat(f)
		}
	}
	if !fits {
		return mismatch(t, v)
	}
	return nil
}

// IsText reports whether t can be read as a string: it is one, or bytes that
// are not UTF-8, as which the formats that Python shares write such strings.
func (t *Token) IsText() bool {
	return t.Kind == String || t.Kind == Bytes && !utf8.Valid(t.Data)
}

func (t *Token) unsigned() (uint64, bool) {
	switch {
	case t.Kind == Int && t.Int >= 0:
		return uint64(t.Int), true
	case t.Kind == Uint:
		return t.Uint, true
	}
	return 0, false
}

// float returns a number as a float: an integer only if the float holds it
// exactly, a float as the nearest one there is. What becomes of a float that is
// too large for the integer it is compared with is up to the processor, so
// that must not happen.
func (t *Token) float(short bool) (float64, bool) {
	var f float64
	switch t.Kind {
	case Float:
		if short && math.IsInf(float64(float32(t.Float)), 0) && !math.IsInf(t.Float, 0) {
			return 0, false
		}
		return t.Float, true
	case Int:
		f = float64(t.Int)
		if f >= 1<<63 || int64(f) != t.Int {
			return 0, false
		}
	case Uint:
		f = float64(t.Uint)
		if f >= 1<<64 || uint64(f) != t.Uint {
			return 0, false
		}
	default:
		return 0, false
	}
	return f, !short || float64(float32(f)) == f
}

func (d *decoder) time(t *Token, v reflect.Value) error {
	var at time.Time
	switch t.Kind {
	case Time:
		at = t.Time()
	case String:
		parse := ParseTime
		if p, ok := d.r.(TimeParser); ok {
			parse = p.ParseTime
		}
		var err error
		if at, err = parse(t.Data); err != nil {
			return err
		}
	default:
		return mismatch(t, v)
	}
	v.Set(reflect.ValueOf(at))
	return nil
}

func (d *decoder) big(t *Token, v reflect.Value) error {
	b, err := d.bigOf(t)
	if err != nil {
		return err
	}
	if b == nil {
		return mismatch(t, v)
	}
	v.Set(reflect.ValueOf(b).Elem())
	return nil
}

func (d *decoder) ext(t *Token, v reflect.Value) error {
	switch t.Kind {
	case Extension, Time, Big, String:
		if t.Code == 0 && t.Kind != Extension {
			return mismatch(t, v)
		}
	default:
		return mismatch(t, v)
	}
	data, err := d.copied(t.Data)
	v.Set(reflect.ValueOf(Ext{t.Code, data}))
	return err
}

func (d *decoder) copied(b []byte) ([]byte, error) {
	if err := d.charge(len(b)); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, len(b)), b...), nil
}

// text lets a value read itself from a string.
func (d *decoder) text(t *Token, v reflect.Value) error {
	u, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return mismatch(t, v)
	}
	data, err := d.copied(t.Data) // the method may keep it, or write to it
	if err != nil {
		return err
	}
	if err := u.UnmarshalText(data); err != nil {
		return &methodError{v.Type().String() + " does not accept the text", err}
	}
	return nil
}

// readsJSON reports whether t, or what it points to, reads itself from JSON.
func (d *decoder) readsJSON(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return infoOf(t, d.w).unmarshalJSON != no
}

// json lets a value read itself from JSON. null stands for the zero value, as
// everywhere.
func (d *decoder) json(v reflect.Value) error {
	raw, err := d.r.Raw()
	if err != nil {
		return err
	}
	if string(raw) == "null" {
		v.SetZero()
		return nil
	}
	for v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if raw, err = d.copied(raw); err != nil {
		return err
	}
	u, ok := v.Addr().Interface().(jsonUnmarshaler)
	if !ok {
		return fmt.Errorf("%w: %s cannot be read", ErrType, v.Type())
	}
	if err := u.UnmarshalJSON(raw); err != nil {
		return &methodError{v.Type().String() + " does not accept the JSON", err}
	}
	return nil
}
