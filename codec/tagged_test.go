package codec

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A tagged is a Python value as the vectors show it.
type tagged struct {
	T       string
	V       json.RawMessage
	Bits    string
	Unit    string
	Times   int
	Item    *tagged
	UTF8    string
	Offset  *float64
	Code    int8
	Days    int
	Seconds int
	Micros  int `json:"microseconds"`
}

func (t *tagged) into(dst any) {
	if err := json.Unmarshal(t.V, dst); err != nil {
		panic(err)
	}
}

func (t *tagged) text() (s string) {
	t.into(&s)
	return s
}

func (t *tagged) pairs() (p [][2]tagged) {
	if t.T != "dict" {
		panic("not a dict: " + t.T)
	}
	t.into(&p)
	return p
}

// list returns the elements of a list, each made by do.
func (t *tagged) list(do func(*tagged) any) []any {
	if t.Item != nil {
		return slices.Repeat([]any{do(t.Item)}, t.Times)
	}
	var items []tagged
	t.into(&items)
	l := make([]any, len(items))
	for i := range items {
		l[i] = do(&items[i])
	}
	return l
}

// has reports whether a value of type typ is in t.
func (t *tagged) has(typ string) bool {
	if t.T == "dict" {
		return slices.ContainsFunc(t.pairs(), func(p [2]tagged) bool { return p[0].has(typ) || p[1].has(typ) })
	}
	return t.T == typ
}

// scalar returns the Go value of anything but dicts and lists.
func (t *tagged) scalar() any {
	switch t.T {
	case "none":
		return nil
	case "bool":
		return string(t.V) == "true"
	case "int":
		b, _ := new(big.Int).SetString(t.text(), 10)
		switch {
		case b.IsInt64():
			return b.Int64()
		case b.IsUint64():
			return b.Uint64()
		}
		return b
	case "float":
		bits, _ := strconv.ParseUint(t.Bits, 16, 64)
		return math.Float64frombits(bits)
	case "str":
		switch {
		case t.UTF8 != "":
			b, _ := hex.DecodeString(t.UTF8)
			return string(b)
		case t.Unit != "":
			return strings.Repeat(t.Unit, t.Times)
		}
		return t.text()
	case "bytes", "bytearray":
		s := t.Unit
		if s == "" {
			s = t.text()
		}
		b, _ := hex.DecodeString(strings.Repeat(s, max(t.Times, 1)))
		return b
	case "ext":
		b, _ := hex.DecodeString(t.text())
		return Ext{Code: t.Code, Data: b}
	case "datetime":
		return t.datetime()
	case "time":
		if t.Offset != nil {
			return t.text() + "Z"
		}
		return t.text()
	case "timedelta":
		return t.duration()
	case "complex":
		return complex(1, 2)
	case "object":
		return make(chan int)
	}
	return t.text() // date, decimal, uuid, markup
}

func (t *tagged) datetime() any {
	if t.Offset == nil {
		return t.text() // Go has no times without a zone
	}
	at, err := time.Parse("2006-01-02T15:04:05", t.text())
	if err != nil {
		panic(err)
	}
	zone := time.UTC
	if *t.Offset != 0 {
		zone = time.FixedZone("", int(*t.Offset))
	}
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
}

// duration writes a timedelta as msgspec does, for which Go has no type.
func (t *tagged) duration() string {
	days, sec, us := int64(t.Days), int64(t.Seconds), int64(t.Micros)
	s := "P"
	if days < 0 {
		s = "-P"
		total := -((days*86400+sec)*1_000_000 + us)
		days, sec, us = total/86_400_000_000, total/1_000_000%86400, total%1_000_000
	}
	if days != 0 {
		s += fmt.Sprintf("%dD", days)
	}
	if sec != 0 || us != 0 {
		s += fmt.Sprintf("T%d", sec)
		if us != 0 {
			s += strings.TrimRight(fmt.Sprintf(".%06d", us), "0")
		}
		s += "S"
	}
	if days == 0 && sec == 0 && us == 0 {
		s += "0D"
	}
	return s
}

// plain returns what a variable of type any gets.
func (t *tagged) plain() any {
	switch t.T {
	case "list", "tuple", "set", "frozenset":
		return t.list((*tagged).plain)
	case "dict":
		texts, mixed := map[string]any{}, map[any]any{}
		for _, p := range t.pairs() {
			k, v := p[0].key(), p[1].plain()
			if s, ok := k.(string); ok {
				texts[s] = v
			}
			mixed[k] = v
		}
		if len(texts) == len(mixed) {
			return texts
		}
		return mixed
	}
	return t.scalar()
}

// key returns a value that can be a Go map's key: arrays instead of slices.
func (t *tagged) key() any {
	switch v := t.plain().(type) {
	case []byte:
		a := reflect.New(reflect.ArrayOf(len(v), reflect.TypeFor[byte]())).Elem()
		reflect.Copy(a, reflect.ValueOf(v))
		return a.Interface()
	case []any:
		a := reflect.New(reflect.ArrayOf(len(v), reflect.TypeFor[any]())).Elem()
		reflect.Copy(a, reflect.ValueOf(v))
		return a.Interface()
	default:
		return v
	}
}

// ordered returns a value that is written in the order of the dicts in t:
// structs stand for those that are not sorted.
func (t *tagged) ordered() any {
	switch t.T {
	case "list", "tuple", "set", "frozenset":
		return t.list((*tagged).ordered)
	case "dict":
		if t.sorted() {
			m := map[any]any{}
			for _, p := range t.pairs() {
				m[p[0].key()] = p[1].ordered()
			}
			return m
		}
		return t.structure()
	}
	return t.scalar()
}

// sorted reports whether a Go map is written in the order of t: strings in
// their order, then other keys.
func (t *tagged) sorted() bool {
	return slices.IsSortedFunc(t.pairs(), func(a, b [2]tagged) int {
		if a[0].T != "str" || b[0].T != "str" {
			return 0
		}
		return strings.Compare(a[0].text(), b[0].text())
	})
}

func (t *tagged) structure() any {
	var fields []reflect.StructField
	for i, p := range t.pairs() {
		fields = append(fields, reflect.StructField{
			Name: "F" + strconv.Itoa(i),
			Type: reflect.TypeFor[any](),
			Tag:  reflect.StructTag("json:" + strconv.Quote(p[0].text())),
		})
	}
	s := reflect.New(reflect.StructOf(fields)).Elem()
	for i, p := range t.pairs() {
		if v := p[1].ordered(); v != nil {
			s.Field(i).Set(reflect.ValueOf(v))
		}
	}
	return s.Interface()
}
