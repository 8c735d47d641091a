package wiretest

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Spell returns a text that is the same for values that count as one: all that
// is in them, whether it can be written or not; but nil and empty containers, and
// times in different zones, count as one. In variables of type any so do numbers of
// predeclared types, nil of all types, and strings that are not UTF-8 and their
// bytes. Times are cut off to resolution.
func Spell(v reflect.Value, resolution time.Duration) string {
	s := speller{resolution: resolution}
	s.value(v, 0)
	return s.String()
}

type speller struct {
	strings.Builder
	resolution time.Duration
}

func (s *speller) value(v reflect.Value, depth int) {
	if depth > 40 { // a ring
		s.WriteString("…")
		return
	}
	if v.CanInterface() && v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		switch x := p.Interface().(type) {
		case *time.Time:
			fmt.Fprint(s, x.UTC().Truncate(s.resolution).Format(time.RFC3339Nano))
			return
		case *big.Int:
			s.WriteString(x.String())
			return
		case *big.Rat:
			s.WriteString(x.String())
			return
		case *big.Float:
			s.WriteString(x.Text('g', 40))
			return
		case fmt.Stringer:
			if v.Type().PkgPath() == "net/netip" {
				s.WriteString(x.String())
				return
			}
		}
	}
	switch v.Kind() {
	case reflect.Interface:
		s.variable(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			s.WriteString("nil")
			return
		}
		s.WriteByte('&')
		s.value(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if v.Type().String() == "json.RawMessage" {
			if text := strings.ReplaceAll(string(v.Bytes()), " ", ""); text != "null" {
				s.WriteString(text)
			}
			return
		}
		s.WriteByte('[')
		for i := range v.Len() {
			s.value(v.Index(i), depth+1)
			s.WriteByte(' ')
		}
		s.WriteByte(']')
	case reflect.Map:
		var list []string
		for it := v.MapRange(); it.Next(); {
			e := speller{resolution: s.resolution}
			e.value(it.Key(), depth+1)
			e.WriteByte(':')
			e.value(it.Value(), depth+1)
			list = append(list, e.String())
		}
		slices.Sort(list)
		fmt.Fprint(s, "map", list)
	case reflect.Struct:
		s.WriteByte('{')
		for i := range v.NumField() {
			s.WriteString(v.Type().Field(i).Name + "=")
			s.value(v.Field(i), depth+1)
			s.WriteByte(' ')
		}
		s.WriteByte('}')
	case reflect.String:
		s.WriteString(strconv.Quote(v.String()))
	case reflect.Float32, reflect.Float64:
		f := v.Float()
		if f == 0 {
			f = 0 // not -0
		}
		s.WriteString(strconv.FormatFloat(f, 'g', -1, v.Type().Bits()))
	case reflect.Chan, reflect.Func:
		fmt.Fprint(s, "unreadable ", v.IsNil())
	default:
		fmt.Fprint(s, v)
	}
}

// variable spells what a variable of an interface type holds.
func (s *speller) variable(v reflect.Value, depth int) {
	if !v.IsValid() {
		s.WriteString("nil")
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if v.IsNil() {
			s.WriteString("nil")
			return
		}
	}
	if b, ok := v.Interface().([]byte); ok && !utf8.Valid(b) {
		v = reflect.ValueOf(string(b)) // as formats that Python shares have it
	}
	switch predeclared := v.Type().PkgPath() == "" && v.Type().Name() != ""; {
	case v.Type() == reflect.TypeFor[*big.Int]():
		s.value(v.Elem(), depth)
	case v.Type() == reflect.TypeFor[big.Int](), predeclared && (v.CanInt() || v.CanUint()):
		s.value(v, depth)
	case predeclared && v.CanFloat(): // as the shorter one has it
		f := v.Float()
		s.WriteString("float " + strconv.FormatFloat(f, 'g', -1, 32))
	default:
		s.WriteString(v.Type().String() + " ")
		s.value(v, depth+1)
	}
}
