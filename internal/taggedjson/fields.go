package taggedjson

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// A field is a field of a struct, possibly of an embedded one.
type field struct {
	name      string
	index     []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
}

// fieldsOf returns the fields of t that are written and read, sorted by name, as
// Flask sorts keys. Of several with one name the rules of encoding/json choose:
// the least nested one counts, then the one with a tag, else none of them.
func fieldsOf(t reflect.Type) []field {
	var all []field
	collect(&all, t, nil, nil)
	return chosen(all)
}

// collect appends the fields of t, which is embedded at index in the types of
// outer.
func collect(all *[]field, t reflect.Type, index []int, outer []reflect.Type) {
	if slices.Contains(outer, t) {
		return // a struct that embeds itself by pointer; the outer one counts
	}
	outer = append(slices.Clip(outer), t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clip(index), i)
		if sf.Anonymous && name == "" && flattens(sf.Type) {
			et := sf.Type
			if et.Kind() == reflect.Pointer {
				et = et.Elem()
			}
			collect(all, et, at, outer)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := field{name: cmp.Or(name, sf.Name), index: at, tagged: name != ""}
		for option := range strings.SplitSeq(options, ",") {
			f.omitEmpty = f.omitEmpty || option == "omitempty"
			f.omitZero = f.omitZero || option == "omitzero"
		}
		*all = append(*all, f)
	}
}

// flattens reports whether an embedded type is a group of fields rather than a
// value of its own.
func flattens(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, special := forms[t]
	return t.Kind() == reflect.Struct && !special
}

func chosen(all []field) []field {
	slices.SortStableFunc(all, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), rank(a, b))
	})
	var out []field
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].name == all[i].name {
			end++
		}
		if end == i+1 || rank(all[i], all[i+1]) != 0 {
			out = append(out, all[i])
		}
		i = end
	}
	return out
}

// rank orders fields with one name, the best first.
func rank(a, b field) int {
	order := cmp.Compare(len(a.index), len(b.index))
	if order == 0 && a.tagged != b.tagged {
		if order = 1; a.tagged {
			order = -1
		}
	}
	return order
}

func find(all []field, name []byte) *field {
	i, ok := slices.BinarySearchFunc(all, name, func(f field, name []byte) int { return strings.Compare(f.name, string(name)) })
	if !ok {
		return nil
	}
	return &all[i]
}

// get returns the field's value in a struct, or false where an embedded pointer
// on the way is nil or an option leaves it out.
func (f *field) get(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, !(f.omitEmpty && isEmptyValue(v) || f.omitZero && isZero(v))
}

// isEmptyValue is what encoding/json's omitempty asks.
func isEmptyValue(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func isZero(v reflect.Value) bool {
	if v.Kind() != reflect.Pointer || !v.IsNil() {
		if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
			return z.IsZero()
		}
	}
	return v.IsZero()
}

// set returns the field of a struct that can be changed, making the embedded
// structs on the way that are nil. It returns false if one of them cannot be
// made, because its type is not exported.
func (f *field) set(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}
