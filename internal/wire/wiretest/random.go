// Package wiretest makes Go values of random types, for tests that write them and
// read them back.
package wiretest

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// A Maker makes values.
type Maker struct {
	*rand.Rand

	// Odd lets it make values that not every session takes.
	Odd bool
}

// Types that reflect cannot make. Most of them lose something when they are
// written; what they lose is not always there.
type (
	Color  string
	Number float32
	Bytes  []byte
	Text   struct{ text string } // writes itself as text
	Null   struct {              // writes itself as nil
		Valid bool
		Text  string
	}
	Redacted string // writes itself as something else
	Folded   string // is another one when it is read
	Doer     interface{ Do() }
	Done     struct{ By string } // a Doer
	Base     struct {
		ID   int `json:"id"`
		Name string
	}
	hidden   struct{ Visible int }
	Embedded struct {
		Base
		By Color
	}
	Shadowed struct {
		Base
		Name Color // in front of Base.Name
	}
	Pointing struct {
		*Base
		N int
	}
	Unmade  struct{ *hidden }
	Clashes struct {
		Base
		Other
	}
	Other struct{ Name string }
	Has   struct {
		Doer
		N int
	}
	Field struct {
		A any
		D Doer `json:",omitempty" msgpack:",omitempty"`
	}
	Skips struct {
		A string
		B int `json:"-"`
		c []string
	}
	Omits struct {
		A []string       `json:"a,omitempty"`
		B map[string]int `json:"b,omitempty"`
		C *Base          `json:"c,omitzero"`
		D FortyTwo       `json:"d,omitzero"`
		E any            `json:"e,omitempty"`
		F float64        `json:"f,omitempty"`
		G time.Time      `json:"g,omitzero"`
	}
	FortyTwo int // calls itself zero where others would not
	Stamp    struct {
		time.Time // whose methods write the whole struct
		Name      string
	}
	Recursive struct {
		Next *Recursive
		Kids []Recursive
		Name string
	}
	Ring struct {
		Label string
		prev  *Ring
	}
	TwoTags struct {
		A int `msgpack:"b" json:"a"`
		B int `msgpack:"a" json:"b"`
		C int `msgpack:"-" json:"c"`
		D int `json:"d"`
	}
	Wide struct {
		A [300]int `json:",omitzero"`
	}
)

func (t Text) MarshalText() ([]byte, error)      { return []byte(t.text), nil }
func (t *Text) UnmarshalText(b []byte) error     { t.text = string(b); return nil }
func (Redacted) MarshalText() ([]byte, error)    { return []byte("***"), nil }
func (f Folded) MarshalText() ([]byte, error)    { return []byte(f), nil }
func (f *Folded) UnmarshalText(b []byte) error   { *f = Folded(strings.ToLower(string(b))); return nil }
func (FortyTwo) MarshalJSON() ([]byte, error)    { return []byte("42"), nil }
func (f *FortyTwo) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*int)(f)) }
func (f FortyTwo) IsZero() bool                  { return f == 42 }
func (Done) Do()                                 {}

func (n Null) MarshalText() ([]byte, error) {
	if !n.Valid {
		return []byte("null"), nil
	}
	return []byte("=" + n.Text), nil
}

func (n *Null) UnmarshalText(b []byte) error {
	if len(b) == 0 || b[0] != '=' {
		return errors.New("no text")
	}
	*n = Null{true, string(b[1:])}
	return nil
}

func (n Null) MarshalJSON() ([]byte, error) {
	if !n.Valid {
		return []byte("null"), nil
	}
	return json.Marshal(n.Text)
}

func (n *Null) UnmarshalJSON(b []byte) error {
	n.Valid = true
	return json.Unmarshal(b, &n.Text)
}

var (
	basic = []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](),
		reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](),
		reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](),
		reflect.TypeFor[[]byte](), reflect.TypeFor[time.Time](), reflect.TypeFor[big.Int](), reflect.TypeFor[Color](), reflect.TypeFor[Number](),
		reflect.TypeFor[Bytes](), reflect.TypeFor[json.Number](), reflect.TypeFor[time.Duration](), reflect.TypeFor[[3]byte](),
		reflect.TypeFor[Recursive](), reflect.TypeFor[Embedded](), reflect.TypeFor[map[string]any](), reflect.TypeFor[[]any](), reflect.TypeFor[any](),
	}
	odd = []reflect.Type{
		reflect.TypeFor[Text](), reflect.TypeFor[Null](), reflect.TypeFor[Redacted](), reflect.TypeFor[Folded](), reflect.TypeFor[Doer](),
		reflect.TypeFor[Done](), reflect.TypeFor[Base](), reflect.TypeFor[Pointing](), reflect.TypeFor[Unmade](), reflect.TypeFor[Clashes](),
		reflect.TypeFor[Has](), reflect.TypeFor[Shadowed](), reflect.TypeFor[Field](), reflect.TypeFor[Skips](), reflect.TypeFor[Omits](), reflect.TypeFor[FortyTwo](),
		reflect.TypeFor[Stamp](), reflect.TypeFor[Ring](), reflect.TypeFor[TwoTags](), reflect.TypeFor[Wide](), reflect.TypeFor[netip.Addr](),
		reflect.TypeFor[big.Rat](), reflect.TypeFor[big.Float](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[chan int](), reflect.TypeFor[func()](),
		reflect.TypeFor[complex128](), reflect.TypeFor[map[any]any](), reflect.TypeFor[map[*int]int](), reflect.TypeFor[map[time.Time]int](),
		reflect.TypeFor[map[float64]string](), reflect.TypeFor[map[bool]int](), reflect.TypeFor[map[Text]int](), reflect.TypeFor[map[Folded]int](),
		reflect.TypeFor[map[[2]byte]int](), reflect.TypeFor[map[Base]int](), reflect.TypeFor[struct{}](), reflect.TypeFor[uintptr](),
	}
	keys = []reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[Color](), reflect.TypeFor[int](), reflect.TypeFor[uint8](), reflect.TypeFor[uint64](), reflect.TypeFor[int64](),
	}
	tags = []reflect.StructTag{"", "", `json:"a"`, `json:"b,omitempty"`, `json:",omitzero"`, `json:"-"`, `msgpack:"m" json:"j"`, `msgpack:"-"`, `json:"-,"`, `json:",string"`}
)

// Value returns a random value of a random type.
func (m Maker) Value() reflect.Value {
	v := reflect.New(m.typ(3)).Elem()
	m.fill(v, 4)
	return v
}

func (m Maker) typ(depth int) reflect.Type {
	if m.Odd && m.IntN(4) == 0 {
		return odd[m.IntN(len(odd))]
	}
	if depth == 0 || m.IntN(3) == 0 {
		return basic[m.IntN(len(basic))]
	}
	switch e := m.typ(depth - 1); m.IntN(5) {
	case 0:
		return reflect.SliceOf(e)
	case 1:
		return reflect.ArrayOf(m.IntN(3), e)
	case 2:
		return reflect.MapOf(keys[m.IntN(len(keys))], e)
	case 3:
		if k := e.Kind(); !m.Odd && (k == reflect.Pointer || k == reflect.Slice || k == reflect.Map || k == reflect.Interface) {
			return e
		}
		return reflect.PointerTo(e)
	}
	var fields []reflect.StructField
	for i := range m.IntN(4) {
		f := reflect.StructField{Name: string(rune('A' + i)), Type: m.typ(depth - 1)}
		if m.Odd {
			f.Tag = tags[m.IntN(len(tags))]
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

var texts = []string{"", "a", "b", "naïve", "na\xefve", "\xff\x00", "\u2028", "null", "=x", "***", "data:;charset=unknown-8bit;base64,/w==", "ABC", "12"}

func (m Maker) text() string { return texts[m.IntN(len(texts))] }

// integer returns a number that is often small, and often at an edge.
func (m Maker) integer() int64 {
	switch m.IntN(4) {
	case 0:
		return []int64{0, 1, -1, 42, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1, -1 << 31}[m.IntN(9)]
	case 1:
		return int64(m.Uint64() >> m.IntN(64))
	}
	return int64(m.IntN(200)) - 100
}

func (m Maker) float() float64 {
	switch m.IntN(4) {
	case 0:
		return []float64{0, math.Copysign(0, -1), 1, 1.5, math.Inf(1), math.NaN(), 1e300, 5e-324, 1 << 53}[m.IntN(9)]
	case 1:
		return m.NormFloat64()
	}
	return float64(m.IntN(1000)) / 8
}

func (m Maker) time() time.Time {
	switch m.IntN(6) {
	case 0:
		return time.Time{}
	case 1:
		return time.Now()
	case 2:
		return time.Unix(m.integer()>>28, int64(m.IntN(1e9))).UTC()
	}
	return time.Unix(m.integer()>>30, int64(m.IntN(3))*1e6).In(time.FixedZone("", m.IntN(20)*900-9000))
}

// anything returns what a variable of type any may hold.
func (m Maker) anything(depth int) reflect.Value {
	switch m.IntN(12) {
	case 0:
		return reflect.Value{}
	case 1, 2:
		return reflect.ValueOf(m.text())
	case 3:
		return reflect.ValueOf(m.IntN(2) == 0)
	case 4:
		return reflect.ValueOf(int(m.integer()))
	case 5:
		return reflect.ValueOf(float64(m.IntN(1000)) / 8)
	case 6:
		return reflect.ValueOf(float32(m.IntN(1000)) / 10)
	case 7:
		return reflect.ValueOf(m.Uint64())
	case 8:
		return reflect.ValueOf(uint8(m.IntN(256)))
	case 9:
		if depth > 0 {
			v := reflect.New(reflect.TypeFor[map[string]any]()).Elem()
			m.fill(v, depth-1)
			return v
		}
	case 10:
		if depth > 0 {
			v := reflect.New(reflect.TypeFor[[]any]()).Elem()
			m.fill(v, depth-1)
			return v
		}
	}
	return reflect.ValueOf(int64(m.IntN(100)))
}

// oddThing returns what most formats would not give back from a variable of type
// any.
func (m Maker) oddThing(depth int) reflect.Value {
	v := reflect.New(m.typ(min(depth, 2))).Elem()
	m.fill(v, depth-1)
	return v
}

// fill gives v, which can be set, a random value of at most depth levels.
func (m Maker) fill(v reflect.Value, depth int) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = m.time()
		return
	case *big.Int:
		p.Lsh(big.NewInt(m.integer()), uint(m.IntN(3)*20))
		return
	case *big.Rat:
		p.SetFrac64(m.integer(), int64(m.IntN(9)+1))
		return
	case *big.Float:
		p.SetFloat64(float64(m.IntN(1000)) / 7)
		return
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{byte(m.IntN(256)), 1})
		return
	case *json.RawMessage:
		*p = json.RawMessage([]string{"", "null", `{"a": [1, 2]}`, `" b "`, "7", "{"}[m.IntN(6)])
		return
	case *Text:
		p.text = m.text()
		return
	case *Ring:
		if p.Label = m.text(); m.IntN(2) == 0 {
			p.prev = p
		}
		return
	case *Skips:
		if p.A = m.text(); m.IntN(2) == 0 {
			p.B, p.c = m.IntN(2), []string{"x"}[:m.IntN(2)]
		}
		return
	case *Unmade:
		if m.IntN(2) == 0 {
			p.hidden = &hidden{m.IntN(2)}
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case reflect.String:
		v.SetString(m.text())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(m.integer() >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(m.integer()) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(m.float())
	case reflect.Complex128:
		v.SetComplex(complex(m.float(), m.float()))
	case reflect.Interface:
		m.fillInterface(v, depth)
	case reflect.Pointer:
		if depth > 0 && m.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if n := m.IntN(4) - 1; n >= 0 && depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				m.fill(v.Index(i), depth-1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		m.fillMap(v, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				m.fill(f, depth-1)
			}
		}
	case reflect.Chan:
		if m.IntN(2) == 0 {
			v.Set(reflect.MakeChan(v.Type(), 0))
		}
	}
}

func (m Maker) fillInterface(v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[Doer]() {
		if m.IntN(2) == 0 {
			v.Set(reflect.ValueOf(Done{"x"}))
		}
		return
	}
	e := m.anything(depth)
	if m.Odd && m.IntN(8) == 0 {
		e = m.oddThing(depth)
	}
	if e.IsValid() {
		v.Set(e)
	}
}

func (m Maker) fillMap(v reflect.Value, depth int) {
	n := m.IntN(4) - 1
	if n < 0 || depth <= 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n {
		key, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		m.fill(key, 1)
		m.fill(e, depth-1)
		if key.Comparable() && (key.Kind() != reflect.Interface || key.IsNil() || key.Elem().Type().Comparable()) {
			v.SetMapIndex(key, e)
		}
	}
}
