package wire

import (
	"bytes"
	"fmt"
	"math/big"
	"reflect"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// Same returns nil if got, which has been read back, is what want was when it
// was written. The error matches ErrType and names types and fields, no values.
//
// It is the same if it is equal, as reflect.DeepEqual has it or a method Equal
// or Cmp of its type, and also if it differs in what no format keeps:
//
//   - nil and empty slices and maps count as one;
//   - a time keeps its instant, in some formats cut off to whole seconds or
//     microseconds, but not its zone nor its monotonic clock;
//   - in a variable of an interface type, a number of a predeclared type keeps its
//     value and becomes int64, uint64, float64 or *big.Int; and nil of whichever
//     type is nil.
func Same(want, got reflect.Value) error {
	c := comparer{}
	if c.same(want, got) {
		return nil
	}
	if c.reason == "" {
		c.reason = fmt.Sprintf("%s comes back changed", want.Type())
	}
	return fmt.Errorf("%w: %s", ErrType, c.reason)
}

type comparer struct {
	reason string // why they differ, as far as it is known
	seen   map[visit]bool
}

// A visit is a pair of pointers that are being compared.
type visit struct {
	want, got uintptr
	t         reflect.Type
}

// differ notes why two values differ, if that is not known yet.
func (c *comparer) differ(format string, args ...any) bool {
	if c.reason == "" {
		c.reason = fmt.Sprintf(format, args...)
	}
	return false
}

// same compares two values of one type.
func (c *comparer) same(want, got reflect.Value) bool {
	t := want.Type()
	if t == timeType && want.CanInterface() && got.CanInterface() {
		return sameTime(want.Interface().(time.Time), got.Interface().(time.Time))
	}
	if t == extType {
		return want.Field(0).Int() == got.Field(0).Int() && bytes.Equal(want.Field(1).Bytes(), got.Field(1).Bytes())
	}
	if sequence, ok := pythonTypes[t]; ok && (sequence == Set || sequence == FrozenSet || t == reflect.TypeFor[pyvalue.DateTime]()) {
		return true // their order means nothing; a zone is not everywhere
	}
	if equalByMethod(want, got) {
		return true
	}
	switch want.Kind() {
	case reflect.Interface:
		return c.variable(want, got)
	case reflect.Pointer:
		switch {
		case want.IsNil() && got.IsNil() || want.Pointer() == got.Pointer():
			return true
		case want.IsNil() || got.IsNil():
			return c.differ("%s comes back as nil", t)
		}
		return c.again(want, got) || c.same(want.Elem(), got.Elem())
	case reflect.Slice, reflect.Array:
		return c.elements(want, got)
	case reflect.Map:
		return c.mapping(want, got)
	case reflect.Struct:
		return c.structure(want, got)
	case reflect.Func:
		return want.IsNil() && got.IsNil()
	case reflect.Float32, reflect.Float64:
		return sameFloat(want.Float(), got.Float())
	case reflect.Complex64, reflect.Complex128:
		w, g := want.Complex(), got.Complex()
		return sameFloat(real(w), real(g)) && sameFloat(imag(w), imag(g))
	}
	return want.Equal(got)
}

func sameFloat(want, got float64) bool { return want == got || want != want && got != got }

// again reports whether two references are being compared already.
func (c *comparer) again(want, got reflect.Value) bool {
	v := visit{want.Pointer(), got.Pointer(), want.Type()}
	if c.seen[v] {
		return true
	}
	if c.seen == nil {
		c.seen = make(map[visit]bool)
	}
	c.seen[v] = true
	return false
}

func sameTime(want, got time.Time) bool {
	return want.Equal(got) || want.Truncate(time.Microsecond).Equal(got) || want.Truncate(time.Second).Equal(got)
}

// equalByMethod reports whether a method Equal or Cmp of their type says that
// want and got are equal.
func equalByMethod(want, got reflect.Value) bool {
	t := want.Type()
	if k := t.Kind(); k == reflect.Pointer || k == reflect.Interface || !want.CanInterface() || !got.CanInterface() {
		return false
	}
	p := reflect.PointerTo(t)
	equal, hasEqual := p.MethodByName("Equal")
	cmp, hasCmp := p.MethodByName("Cmp")
	return hasEqual && says(equal, want, got, func(v reflect.Value) bool { return v.Kind() == reflect.Bool && v.Bool() }) ||
		hasCmp && says(cmp, want, got, func(v reflect.Value) bool { return v.CanInt() && v.Int() == 0 })
}

// says calls a method of want with got, if it is one that takes a got, and
// reports whether what it returns means that they are equal. The method may not be
// made for a value like got, in which what is not exported is zero: if it panics it
// says nothing, and of a value with a lock, which may be held, it is not asked.
func says(m reflect.Method, want, got reflect.Value, equal func(reflect.Value) bool) (same bool) {
	t := want.Type()
	if m.Type.NumIn() != 2 || m.Type.NumOut() != 1 || m.Type.In(1) != t && m.Type.In(1) != reflect.PointerTo(t) || hasLock(t) {
		return false
	}
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	receiver, arg := addressed(want), addressed(got)
	if m.Type.In(1) == t {
		arg = arg.Elem()
	}
	return equal(m.Func.Call([]reflect.Value{receiver, arg})[0])
}

// hasLock reports whether a t holds a lock, not only a pointer to one.
func hasLock(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return hasLock(t.Elem())
	case reflect.Struct:
		if reflect.PointerTo(t).Implements(lockerType) {
			return true
		}
		for i := range t.NumField() {
			if hasLock(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

var lockerType = reflect.TypeFor[sync.Locker]()

// addressed returns a pointer to a copy of v.
func addressed(v reflect.Value) reflect.Value {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p
}

func (c *comparer) elements(want, got reflect.Value) bool {
	if want.Len() != got.Len() {
		return sameJSON(want, got)
	}
	if want.Kind() == reflect.Slice && want.Len() > 0 && c.again(want, got) {
		return true
	}
	for i := range want.Len() {
		if !c.same(want.Index(i), got.Index(i)) {
			return sameJSON(want, got)
		}
	}
	return true
}

// sameJSON compares values of a type such as json.RawMessage, which lose their
// white space, and of which null is nil.
func sameJSON(want, got reflect.Value) bool {
	t := want.Type()
	if t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Uint8 || implements(t, jsonMarshalType) == no {
		return false
	}
	text := withoutSpace(want.Bytes())
	return bytes.Equal(text, withoutSpace(got.Bytes())) || got.Len() == 0 && string(text) == "null"
}

// withoutSpace returns JSON without white space around its parts.
func withoutSpace(text []byte) []byte {
	var out []byte
	quoted, escaped := false, false
	for _, b := range text {
		switch {
		case quoted:
			quoted = escaped || b != '"'
			escaped = !escaped && b == '\\'
		case b == '"':
			quoted = true
		case b == ' ', b == '\t', b == '\n', b == '\r':
			continue
		}
		out = append(out, b)
	}
	return out
}

func (c *comparer) mapping(want, got reflect.Value) bool {
	if want.Len() != got.Len() {
		return c.differ("some keys of %s are written alike", want.Type())
	}
	if want.Len() > 0 && c.again(want, got) {
		return true
	}
	for it := want.MapRange(); it.Next(); {
		key := it.Key()
		if key.Kind() == reflect.Interface {
			if key = natural(key.Elem()); !key.IsValid() {
				key = reflect.Zero(want.Type().Key())
			}
		}
		v := got.MapIndex(key)
		if !v.IsValid() {
			return c.differ("a key of %s comes back changed", want.Type())
		}
		if !c.same(it.Value(), v) {
			return false
		}
	}
	return true
}

// natural returns v, a number of a predeclared type, in the type in which it
// comes back into a variable of type any, and all else as it is.
func natural(v reflect.Value) reflect.Value {
	if !predeclared(v) {
		return v
	}
	switch {
	case v.CanInt():
		return reflect.ValueOf(v.Int())
	case v.CanUint() && v.Uint() > 1<<63-1:
		return reflect.ValueOf(v.Uint())
	case v.CanUint():
		return reflect.ValueOf(int64(v.Uint()))
	case v.CanFloat():
		return reflect.ValueOf(v.Float())
	}
	return v
}

func predeclared(v reflect.Value) bool {
	return v.IsValid() && v.Type().PkgPath() == "" && v.Type().Name() != ""
}

func (c *comparer) structure(want, got reflect.Value) bool {
	t := want.Type()
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Name == "_" || c.same(want.Field(i), got.Field(i)) {
			continue
		}
		if got.Field(i).IsZero() && !want.Field(i).IsZero() {
			return c.differ("the field %s of %s is not written, or not read back, and not zero", sf.Name, t)
		}
		return c.differ("the field %s of %s comes back changed", sf.Name, t)
	}
	return true
}

// variable compares what two variables of an interface type hold.
func (c *comparer) variable(want, got reflect.Value) bool {
	want, got = want.Elem(), got.Elem()
	switch {
	case !want.IsValid() || !got.IsValid():
		return !got.IsValid() && (!want.IsValid() || isNil(want)) ||
			c.differ("%s in a variable of an interface type does not come back", typeOf(want))
	case want.Type() == got.Type():
		return c.same(want, got)
	case !want.CanInterface() || !got.CanInterface():
		return false
	}
	return sameNumber(want, got) || c.samePython(want, got) ||
		want.Kind() == reflect.String && predeclared(want) && !utf8.ValidString(want.String()) && sameBytes(want.String(), got) ||
		c.differ("%s in a variable of an interface type comes back as %s", want.Type(), got.Type())
}

func typeOf(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	return v.Type().String()
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Func, reflect.Chan, reflect.Interface:
		return v.IsNil()
	}
	return false
}

func sameBytes(want string, got reflect.Value) bool {
	b, ok := got.Interface().([]byte)
	return ok && string(b) == want
}

// sameNumber compares numbers of different types, of which got came back in the
// place of want.
func sameNumber(want, got reflect.Value) bool {
	if predeclared(want) && want.CanFloat() {
		f, ok := got.Interface().(float64)
		return ok && (sameFloat(want.Float(), f) || want.Kind() == reflect.Float32 && float32(want.Float()) == float32(f))
	}
	w, g := integer(want), integer(got)
	return w != nil && g != nil && w.Cmp(g) == 0
}

// integer returns an integer of a predeclared type or of package big, else nil.
func integer(v reflect.Value) *big.Int {
	switch i := v.Interface().(type) {
	case *big.Int:
		return i
	case big.Int:
		return &i
	}
	switch {
	case !predeclared(v):
	case v.CanInt():
		return big.NewInt(v.Int())
	case v.CanUint():
		return new(big.Int).SetUint64(v.Uint())
	}
	return nil
}

// samePython compares a value of package pyvalue with what comes back in its
// place in a format that lacks its type.
func (c *comparer) samePython(want, got reflect.Value) bool {
	sequence, ok := pythonTypes[want.Type()]
	if !ok {
		return false
	}
	switch got.Interface().(type) {
	case []any:
		return sequence != NoSequence && c.elements(want.Convert(reflect.TypeFor[[]any]()), got)
	case string, []byte, time.Time:
		return sequence == NoSequence
	}
	return false
}
