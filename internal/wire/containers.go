package wire

import (
	"fmt"
	"reflect"
)

// structure decodes a map into a struct. Keys that name no field are skipped.
func (d *decoder) structure(t *Token, v reflect.Value, fs *fields) error {
	if t.Kind != Map {
		return mismatch(t, v)
	}
	for left, ok := d.r.More(t.N); ok; left, ok = d.r.More(left) {
		key, err := d.r.Next()
		if err != nil {
			return err
		}
		f := fs.find(&key)
		if f == nil {
			if err := d.skip(&key); err != nil {
				return err
			}
			continue
		}
		fv, ok := f.set(v)
		if !ok {
			return fmt.Errorf("%w: a field of %s is in an embedded struct that is not exported", ErrType, v.Type())
		}
		if err := d.value(fv); err != nil {
			return err
		}
	}
	return nil
}

func (fs *fields) find(key *Token) *field {
	if key.Kind != String {
		return nil
	}
	if i, ok := fs.byName[string(key.Data)]; ok {
		return &fs.list[i]
	}
	return nil
}

// skip reads past a value and, if its key is a list or map, past the rest of
// the key.
func (d *decoder) skip(key *Token) error {
	n := 0
	if key.Kind == List || key.Kind == Map {
		n = key.N
		if key.Kind == Map {
			n *= 2
		}
	}
	for range n + 1 {
		if err := d.pass(); err != nil {
			return err
		}
	}
	return nil
}

// pass reads past one value.
func (d *decoder) pass() error {
	if s, ok := d.r.(Skipper); ok {
		return s.Skip()
	}
	_, err := d.r.Raw()
	return err
}

// mapping decodes a map into a Go map, which is made anew.
func (d *decoder) mapping(t *Token, v reflect.Value) error {
	if t.Kind != Map {
		return mismatch(t, v)
	}
	mt := v.Type()
	each := mapEntry + int(mt.Key().Size()) + int(mt.Elem().Size())
	if err := d.charge(mapHeader + each); err != nil {
		return err
	}
	m := reflect.MakeMap(mt)
	for left, ok := d.r.More(t.N); ok; left, ok = d.r.More(left) {
		if err := d.charge(each); err != nil {
			return err
		}
		key := reflect.New(mt.Key()).Elem()
		if err := d.key(key); err != nil {
			return err
		}
		value := reflect.New(mt.Elem()).Elem()
		if err := d.value(value); err != nil {
			return err
		}
		m.SetMapIndex(key, value)
	}
	v.Set(m)
	return nil
}

// key decodes a map's key. A format whose keys are text has numbers in it.
func (d *decoder) key(v reflect.Value) error {
	t, err := d.r.Next()
	if err != nil {
		return err
	}
	if v.Kind() == reflect.Interface && v.NumMethod() == 0 {
		k, err := d.anyKey(&t)
		if err == nil && k != nil {
			v.Set(reflect.ValueOf(k))
		}
		return err
	}
	if t.Kind == String && v.Kind() != reflect.String && !infoOf(v.Type(), d.w).unmarshalText.on(v) {
		if number := t.number(v.Kind()); number.Kind != Nil {
			t = number
		}
	}
	if err := d.token(&t, v); err != nil {
		return err
	}
	if !v.Comparable() {
		return fmt.Errorf("%w: %s cannot be a key", ErrType, t.Kind)
	}
	return nil
}

// slice decodes a list, or bytes, into a slice made anew.
func (d *decoder) slice(t *Token, v reflect.Value, info *typeInfo) error {
	if info.form == isBytes && t.Kind != List {
		b, err := d.bytes(t, v)
		if err != nil {
			return err
		}
		v.SetBytes(b)
		return nil
	}
	if t.Kind != List {
		return mismatch(t, v)
	}
	size := int(v.Type().Elem().Size())
	if err := d.chargeEach(max(t.N, 0), size); err != nil {
		return err
	}
	// A count that the format gives has been checked against its bytes.
	s := reflect.New(v.Type()).Elem()
	s.Set(reflect.MakeSlice(v.Type(), 0, max(t.N, 0)))
	for left, ok := d.r.More(t.N); ok; left, ok = d.r.More(left) {
		n := s.Len()
		if n == s.Cap() {
			if err := d.chargeEach(n+1, size); err != nil {
				return err
			}
			s.Grow(1)
		}
		s.SetLen(n + 1)
		if err := d.value(s.Index(n)); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

// array decodes a list, or bytes, of exactly the array's length.
func (d *decoder) array(t *Token, v reflect.Value, info *typeInfo) error {
	if info.form == isBytes && t.Kind != List {
		b, err := d.bytes(t, v)
		if err != nil {
			return err
		}
		if len(b) != v.Len() {
			return mismatch(t, v)
		}
		for i, c := range b {
			v.Index(i).SetUint(uint64(c))
		}
		return nil
	}
	if t.Kind != List {
		return mismatch(t, v)
	}
	n := 0
	for left, ok := d.r.More(t.N); ok; left, ok = d.r.More(left) {
		if n == v.Len() {
			return mismatch(t, v)
		}
		if err := d.value(v.Index(n)); err != nil {
			return err
		}
		n++
	}
	if n != v.Len() {
		return mismatch(t, v)
	}
	return nil
}

// bytes returns a copy of the bytes of t.
func (d *decoder) bytes(t *Token, v reflect.Value) ([]byte, error) {
	switch t.Kind {
	case Bytes:
		return d.copied(t.Data)
	case String:
		b, err := d.r.Bytes(*t)
		if err != nil {
			return nil, err
		}
		return b, d.charge(len(b))
	}
	return nil, mismatch(t, v)
}
