package taggedjson

import (
	"fmt"
	"reflect"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// list calls item at each element of the list that t began.
func (d *decoder) list(t *token, item func() error) error {
	if err := d.skip('['); err != nil {
		return err
	}
	for first := true; d.space() != ']'; first = false {
		if !first {
			if err := d.skip(','); err != nil {
				return err
			}
		}
		if err := item(); err != nil {
			return err
		}
	}
	d.p++
	if t.tag == tagTuple {
		return d.skip('}')
	}
	return nil
}

// dict calls member with each key of the dictionary that t began, to read the
// value there.
func (d *decoder) dict(t *token, member func(key []byte) error) error {
	if t.tag == tagDict {
		return d.escaped(member)
	}
	if err := d.skip('{'); err != nil {
		return err
	}
	for first := true; d.space() != '}'; first = false {
		if !first {
			if err := d.skip(','); err != nil {
				return err
			}
			d.space()
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
	}
	d.p++
	return nil
}

// escaped is dict for the dictionary at d.p that is the tag of another one.
func (d *decoder) escaped(member func(key []byte) error) error {
	n, _ := d.noteHere()
	d.p = n.value
	if d.space() != '{' {
		return errTag
	}
	if _, ok := d.noteHere(); ok {
		return errEscape
	}
	d.p++
	if d.space() != '"' {
		return errEscape
	}
	key, err := d.key()
	if err != nil {
		return err
	}
	if err := member(unescaped(key)); err != nil {
		return err
	}
	if d.skip('}') != nil {
		return errEscape
	}
	return d.skip('}')
}

// key reads a key and the colon after it.
func (d *decoder) key() ([]byte, error) {
	text, err := d.string()
	if err != nil {
		return nil, err
	}
	return text, d.skip(':')
}

// structure decodes a dictionary into a struct. Keys that name no field are
// skipped.
func (d *decoder) structure(t *token, v reflect.Value, all []field) error {
	if t.kind != aDict {
		return mismatch(t, v)
	}
	return d.dict(t, func(key []byte) error {
		f := find(all, key)
		if f == nil {
			return d.pass()
		}
		fv, ok := f.set(v)
		if !ok {
			return fmt.Errorf("%w: a field of %s is in an embedded struct that is not exported", wire.ErrType, v.Type())
		}
		return d.value(fv)
	})
}

// pass moves past a value.
func (d *decoder) pass() error {
	d.space()
	s := scanner{data: d.data, limit: wire.MaxDepth}
	end, err := s.value(d.p)
	d.p = end
	return err
}

// mapping decodes a dictionary into a Go map, which is made anew.
func (d *decoder) mapping(t *token, v reflect.Value) error {
	if t.kind != aDict {
		return mismatch(t, v)
	}
	mt := v.Type()
	each := mapEntry + int(mt.Key().Size()) + int(mt.Elem().Size())
	if err := d.charge(mapHeader + 8*each); err != nil {
		return err
	}
	m := reflect.MakeMap(mt)
	err := d.dict(t, func(text []byte) error {
		if err := d.charge(2*each + len(text)); err != nil {
			return err
		}
		key := reflect.New(mt.Key()).Elem()
		if err := d.keyOf(text, key); err != nil {
			return err
		}
		value := reflect.New(mt.Elem()).Elem()
		if err := d.value(value); err != nil {
			return err
		}
		m.SetMapIndex(key, value)
		return nil
	})
	if err == nil {
		v.Set(m)
	}
	return err
}

// keyOf decodes a map's key, which may be the text of a number or boolean.
func (d *decoder) keyOf(text []byte, v reflect.Value) error {
	t := token{kind: aString, text: text}
	switch {
	case infoOf(v.Type()).unmarshalText.on(v):
	case v.Kind() == reflect.Bool:
		if b := string(text); b == wordTrue || b == wordFalse {
			t = token{kind: aBool, bool: b == wordTrue}
		}
	case v.CanInt(), v.CanUint(), v.CanFloat():
		s := scanner{data: text}
		if len(text) == 0 || len(text) > wire.MaxBigDigits {
			break
		}
		if end, err := s.scalar(0); err == nil && end == len(text) {
			in := decoder{data: text}
			var n token
			if err := in.next(&n); err != nil {
				return err
			}
			if n.kind == anInt || n.kind == aBig || n.kind == aFloat {
				t = n
			}
		}
	}
	return d.token(&t, v)
}

// slice decodes a list, or bytes, into a slice made anew.
func (d *decoder) slice(t *token, v reflect.Value, info *typeInfo) error {
	if info.form == isBytes && t.kind == someBytes {
		v.SetBytes(t.text)
		return nil
	}
	if t.kind != aList {
		return mismatch(t, v)
	}
	size := int(v.Type().Elem().Size())
	s := reflect.New(v.Type()).Elem()
	s.Set(reflect.MakeSlice(v.Type(), 0, 0))
	err := d.list(t, func() error {
		n := s.Len()
		if n == s.Cap() {
			if err := d.charge((n + 1) * size); err != nil {
				return err
			}
			s.Grow(1)
		}
		s.SetLen(n + 1)
		return d.value(s.Index(n))
	})
	if err == nil {
		v.Set(s)
	}
	return err
}

// array decodes a list, or bytes, of exactly the array's length.
func (d *decoder) array(t *token, v reflect.Value, info *typeInfo) error {
	if info.form == isBytes && t.kind == someBytes {
		if len(t.text) != v.Len() {
			return mismatch(t, v)
		}
		for i, c := range t.text {
			v.Index(i).SetUint(uint64(c))
		}
		return nil
	}
	if t.kind != aList {
		return mismatch(t, v)
	}
	n := 0
	err := d.list(t, func() error {
		if n == v.Len() {
			return mismatch(t, v)
		}
		n++
		return d.value(v.Index(n - 1))
	})
	if err == nil && n != v.Len() {
		err = mismatch(t, v)
	}
	return err
}
