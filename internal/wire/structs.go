package wire

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// fields are the fields of a struct that are written and read, in the order
// of their declaration.
type fields struct {
	list   []field
	byName map[string]int
	lost   [][]int // the indexes of those that are not among them
	closed bool    // there are fields, and none that others may see
}

// A field is one of them, possibly of an embedded struct.
type field struct {
	name      string
	index     []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
}

// fieldsOf collects the fields of t. Those of embedded structs count as t's
// own, by the rules of Go and encoding/json: of several with one name the
// least nested one counts, then the one with a tag, else none of them.
func fieldsOf(t reflect.Type, tags []string) *fields {
	var all []field
	collect(&all, t, nil, nil, tags)
	byName := make(map[string][]field)
	for _, f := range all {
		byName[f.name] = append(byName[f.name], f)
	}
	fs := &fields{byName: make(map[string]int), closed: closed(t)}
	for _, f := range all {
		if win, ok := dominant(byName[f.name]); ok && slices.Equal(win.index, f.index) {
			fs.byName[f.name] = len(fs.list)
			fs.list = append(fs.list, f)
		}
	}
	fs.lose(t, nil)
	return fs
}

// lose collects the fields that are not written of the struct t, which is at
// index. A struct embedded by pointer counts as a whole: it may be there and
// have nothing to write.
func (fs *fields) lose(t reflect.Type, index []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clip(index), i)
		written := slices.ContainsFunc(fs.list, func(f field) bool { return slices.Equal(f.index, at) })
		switch {
		case written, sf.Name == "_", sf.Type.Size() == 0:
		case sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			fs.lose(sf.Type, at)
		default:
			fs.lost = append(fs.lost, at)
		}
	}
}

// closed reports whether the fields of t are its package's own business. To
// write such a struct as an empty one would lose what is in it.
func closed(t reflect.Type) bool {
	for i := range t.NumField() {
		if sf := t.Field(i); sf.IsExported() || sf.Anonymous {
			return false
		}
	}
	return t.NumField() > 0
}

// collect appends the fields of t, which is embedded at index in the types of
// outer.
func collect(all *[]field, t reflect.Type, index []int, outer []reflect.Type, tags []string) {
	if slices.Contains(outer, t) {
		return // a struct that embeds itself by pointer; the outer one counts
	}
	outer = append(slices.Clip(outer), t)
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, skip := tagOf(sf, tags)
		if skip {
			continue
		}
		f := field{name: name, index: append(slices.Clip(index), i), tagged: name != ""}
		if sf.Anonymous {
			et := sf.Type
			if et.Kind() == reflect.Pointer {
				et = et.Elem()
			}
			if !sf.IsExported() && et.Kind() != reflect.Struct {
				continue
			}
			if et.Kind() == reflect.Struct && !f.tagged && flattens(et) {
				collect(all, et, f.index, outer, tags)
				continue
			}
		}
		if !sf.IsExported() {
			continue
		}
		if name == "" {
			f.name = sf.Name
		}
		for option := range strings.SplitSeq(options, ",") {
			f.omitEmpty = f.omitEmpty || option == "omitempty"
			f.omitZero = f.omitZero || option == "omitzero"
		}
		*all = append(*all, f)
	}
}

// flattens reports whether an embedded struct is a group of fields rather
// than a value of its own.
func flattens(t reflect.Type) bool {
	return t != timeType && t != bigType && t != extType
}

// tagOf returns the name and options that the first of the tags gives, and
// whether the field is to be skipped.
func tagOf(sf reflect.StructField, tags []string) (name, options string, skip bool) {
	for _, key := range tags {
		if tag, ok := sf.Tag.Lookup(key); ok {
			name, options, _ = strings.Cut(tag, ",")
			return name, options, tag == "-"
		}
	}
	return "", "", false
}

func dominant(of []field) (field, bool) {
	best := slices.MinFunc(of, compareFields)
	n := 0
	for _, f := range of {
		if compareFields(f, best) == 0 {
			n++
		}
	}
	return best, n == 1
}

func compareFields(a, b field) int {
	return cmp.Or(
		cmp.Compare(len(a.index), len(b.index)),
		-compareBool(a.tagged, b.tagged))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// get returns the field's value in a struct, or false where an embedded
// pointer on the way is nil or an option leaves it out.
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
	return v, !(f.omitEmpty && isEmpty(v) || f.omitZero && isZero(v))
}

func isEmpty(v reflect.Value) bool {
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
