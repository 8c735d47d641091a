package taggedjson

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/wire"
)

func mismatch(t *token, v reflect.Value) error {
	return fmt.Errorf("%w: %s does not fit %s", wire.ErrType, t.kind, v.Type())
}

// value decodes the next value into v.
func (d *decoder) value(v reflect.Value) error {
	if readsJSON(v.Type()) {
		return d.json(v)
	}
	var t token
	if err := d.next(&t); err != nil {
		return err
	}
	return d.token(&t, v)
}

// token decodes into v the value that begins with t.
func (d *decoder) token(t *token, v reflect.Value) error {
	if t.kind == isNull {
		v.SetZero()
		return nil
	}
	if v.Kind() == reflect.Pointer {
		return d.pointer(t, v)
	}
	info := infoOf(v.Type())
	switch {
	case info.form == isTime:
		return setTime(t, v)
	case info.form == isBig:
		return d.big(t, v)
	case t.kind == aString && info.unmarshalText.on(v):
		return d.text(t.text, v)
	case t.kind == aUUID && (info.form == isUUID || info.unmarshalText == no):
		return setUUID(t, v)
	case t.kind == aUUID && info.unmarshalText.on(v):
		return d.text([]byte(t.uuid.String()), v)
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

// pointer decodes into a new variable.
func (d *decoder) pointer(t *token, v reflect.Value) error {
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

func (d *decoder) iface(t *token, v reflect.Value) error {
	if v.NumMethod() != 0 {
		return mismatch(t, v)
	}
	a, err := d.natural(t)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(a))
	return nil
}

// scalar decodes into a variable of a basic kind. Nothing is cut off to make
// it fit.
func (d *decoder) scalar(t *token, v reflect.Value) error {
	fits := false
	switch v.Kind() {
	case reflect.Bool:
		if fits = t.kind == aBool; fits {
			v.SetBool(t.bool)
		}
	case reflect.String:
		if fits = t.kind == aString || t.kind == someBytes && !utf8.Valid(t.text); fits {
			if err := d.charge(len(t.text)); err != nil {
				return err
			}
			v.SetString(string(t.text))
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if fits = t.kind == anInt && !v.OverflowInt(t.int); fits {
			v.SetInt(t.int)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		u, ok := unsigned(t)
		if fits = ok && !v.OverflowUint(u); fits {
			v.SetUint(u)
		}
	case reflect.Float32, reflect.Float64:
		f, ok := floatOf(t, v.Kind() == reflect.Float32)
		if fits = ok; fits {
			v.SetFloat(f)
		}
	}
	if !fits {
		return mismatch(t, v)
	}
	return nil
}

func unsigned(t *token) (uint64, bool) {
	switch t.kind {
	case anInt:
		return uint64(t.int), t.int >= 0
	case aBig:
		u, err := strconv.ParseUint(string(t.text), 10, 64)
		return u, err == nil
	}
	return 0, false
}

// floatOf returns a number as a float: an integer only if the float holds it
// exactly, a float as the nearest one there is.
func floatOf(t *token, short bool) (float64, bool) {
	if t.kind == aFloat {
		return t.float, !short || math.Abs(t.float) <= math.MaxFloat32 || math.IsInf(t.float, 0) || math.IsNaN(t.float)
	}
	f := float64(t.int)
	if u, ok := unsigned(t); ok {
		if f = float64(u); f >= 1<<64 || uint64(f) != u {
			return 0, false
		}
	} else if t.kind != anInt || int64(f) != t.int {
		return 0, false
	}
	return f, !short || float64(float32(f)) == f
}

func setTime(t *token, v reflect.Value) error {
	at := t.time
	switch t.kind {
	case aTime:
	case aString:
		var err error
		if at, err = parseTime(t.text); err != nil {
			return err
		}
	default:
		return mismatch(t, v)
	}
	v.Set(reflect.ValueOf(at))
	return nil
}

func (d *decoder) big(t *token, v reflect.Value) error {
	b, err := d.bigOf(t)
	if err != nil {
		return err
	}
	if b == nil {
		return mismatch(t, v)
	}
	v.Addr().Interface().(*big.Int).Set(b)
	return nil
}

// setUUID sets 16 bytes.
func setUUID(t *token, v reflect.Value) error {
	switch info := infoOf(v.Type()); {
	case v.Kind() == reflect.Interface && v.NumMethod() == 0:
		v.Set(reflect.ValueOf(t.uuid))
	case v.Kind() == reflect.Array && v.Len() == len(t.uuid) && (info.form == isBytes || info.form == isUUID):
		for i, c := range t.uuid {
			v.Index(i).SetUint(uint64(c))
		}
	default:
		return mismatch(t, v)
	}
	return nil
}
