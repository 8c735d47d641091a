package wire_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/msgpack"
	"github.com/cloakroom/cloakroom/internal/wire"
	"github.com/cloakroom/cloakroom/internal/wire/wiretest"
)

type line struct {
	SKU   string `json:"sku"`
	Count int    `json:"count,omitempty"`
	At    time.Time
}

type cart struct {
	wiretest.Base
	Lines []line `json:"lines"`
	Note  *string
	Next  *cart
	Sizes map[int]uint16
	Sum   *big.Int
	Due   *time.Time `json:",omitempty"`
	Sign  [16]byte
	Extra map[string]any
}

// Most values need not be read back: it would cost as much again as writing them.
func TestPlainTypesAreNotInDoubt(t *testing.T) {
	plain := []any{
		"a", true, 1, int64(1), uint8(1), 1.5, float32(1), []byte("a"), time.Now(), time.Second, wiretest.Color("a"), json.Number("1"),
		[]string{"a"}, [2]int{}, map[string]string{"a": "b"}, map[wiretest.Color][]int{}, map[uint64]bool{}, url.Values{"a": {"b"}},
		new(int), new(line), []*line{{}}, line{}, cart{}, *big.NewInt(1), wiretest.Embedded{}, wiretest.Recursive{},
		map[string]any{"a": []any{nil, "a", 1, 1.5, true, map[string]any{"b": int8(1)}}}, []any{}, []map[string]any{{"a": 1}},
		cart{Extra: map[string]any{"a": []any{"b"}}, Next: &cart{Lines: []line{{}}}},
		wiretest.Skips{A: "a"}, []wiretest.Skips{{}}, wiretest.Pointing{N: 1}, wiretest.Shadowed{Name: "a"}, wiretest.Clashes{}, wiretest.Ring{Label: "a"},
	}
	odd := []any{
		netip.Addr{}, *big.NewRat(1, 2), wiretest.Text{}, wiretest.Null{}, wiretest.Omits{}, wiretest.Stamp{}, wiretest.Has{}, wiretest.Wide{}, wire.Ext{},
		wiretest.Skips{B: 1}, []wiretest.Skips{{}, {B: 1}}, wiretest.Pointing{Base: &wiretest.Base{}}, wiretest.Shadowed{Base: wiretest.Base{Name: "a"}},
		wiretest.Clashes{Other: wiretest.Other{Name: "a"}},
		new([]string), new(map[string]int), new(*int), new(any), map[any]int{}, map[float64]int{}, map[time.Time]int{}, map[wiretest.Text]int{}, map[*int]int{},
		map[string]any{"a": []string{}}, []any{time.Now()}, []any{[]byte("a")}, []any{wiretest.Color("a")}, []any{"a\xff"}, []any{new(int)},
		cart{Extra: map[string]any{"a": line{}}}, wiretest.Field{A: line{}}, []map[string]any{{"a": line{}}},
		struct{ C chan int }{}, func() {},
	}
	for _, w := range []wire.Writer{msgpack.Writer{}, jsontext.Writer{}} {
		j := wire.NewJudge(w)
		for _, v := range plain {
			if j.Doubts(reflect.TypeOf(v), v, 100) {
				t.Errorf("%T: in doubt in %T", v, w)
			}
			if k := reflect.TypeOf(v).Kind(); k >= reflect.Array && k != reflect.String && !j.Doubts(reflect.TypeOf(v), v, 1<<20) {
				t.Errorf("%T of a megabyte: not in doubt in %T: may it be read?", v, w)
			}
		}
		for _, v := range odd {
			if !j.Doubts(reflect.TypeOf(v), v, 100) {
				t.Errorf("%T: not in doubt in %T", v, w)
			}
		}
	}
}

func TestJudgingDoesNotAllocate(t *testing.T) {
	j := wire.NewJudge(msgpack.Writer{})
	for _, v := range []any{"a", 1, line{}, &cart{}, url.Values{"a": {"b"}}, map[string]any{"a": []any{"b", 1, 2.5}},
		&cart{Extra: map[string]any{"a": []any{"b"}}, Lines: make([]line, 10)}} {
		v, typ := v, reflect.TypeOf(v)
		j.Doubts(typ, v, 100)
		if n := testing.AllocsPerRun(100, func() { j.Doubts(typ, v, 100) }); n != 0 {
			t.Errorf("%T: %v allocations", v, n)
		}
	}
}

// equalText is equal to others whose text is the same in another case.
type equalText struct{ text string }

func (e equalText) Equal(other equalText) bool { return strings.EqualFold(e.text, other.text) }

type cmpText struct{ text string }

func (c *cmpText) Cmp(other *cmpText) int {
	return strings.Compare(strings.ToLower(c.text), strings.ToLower(other.text))
}

// equalOther has a method of the name that compares something else.
type equalOther struct{ text string }

func (equalOther) Equal(string) bool { return true }

func TestSame(t *testing.T) {
	type variable struct{ V any }
	type hidden struct{ v any }
	at := time.Date(2024, 2, 29, 12, 34, 56, 123456789, time.FixedZone("", 3600))
	ring := &wiretest.Recursive{}
	ring.Next = ring
	other := &wiretest.Recursive{}
	other.Next = other
	for _, tt := range []struct {
		want, got any
		says      string // of the error; none if they are the same
	}{
		{1, 1, ""},
		{1, 2, "int comes back changed"},
		{"secret", "", "string comes back changed"},
		{[]int(nil), []int{}, ""},
		{map[string]int{}, map[string]int(nil), ""},
		{[]int{1, 2}, []int{1}, "[]int"},
		{map[string]int{"secret": 1, "b": 2}, map[string]int{"secret": 1}, "some keys of map[string]int are written alike"},
		{map[string]int{"secret": 1}, map[string]int{"b": 1}, "a key of map[string]int"},
		{map[string]int{"secret": 1}, map[string]int{"secret": 2}, "changed"},
		{new(int), (*int)(nil), "*int comes back as nil"},
		{at, at.UTC(), ""},
		{at, at.Truncate(time.Microsecond), ""},
		{at, at.Truncate(time.Second), ""},
		{at, at.Truncate(time.Minute), "time.Time"},
		{equalText{"A"}, equalText{"a"}, ""},
		{equalText{"secret"}, equalText{"b"}, "field text of wire_test.equalText"},
		{cmpText{"A"}, cmpText{"a"}, ""},
		{cmpText{"secret"}, cmpText{"b"}, "field text"},
		{equalOther{"secret"}, equalOther{"b"}, "field text"},
		{line{SKU: "secret"}, line{}, "the field SKU of wire_test.line is not written, or not read back, and not zero"},
		{line{SKU: "secret"}, line{SKU: "b"}, "the field SKU of wire_test.line comes back changed"},
		{variable{1}, variable{int64(1)}, ""},
		{variable{uint8(1)}, variable{int64(1)}, ""},
		{variable{uint64(1 << 63)}, variable{uint64(1 << 63)}, ""},
		{variable{big.NewInt(7)}, variable{int64(7)}, ""},
		{variable{float32(0.1)}, variable{0.1}, ""},
		{variable{1.5}, variable{"1.5"}, "float64 in a variable of an interface type comes back as string"},
		{variable{1}, variable{1.0}, "int in a variable"},
		{variable{time.Second}, variable{int64(time.Second)}, "time.Duration in a variable of an interface type comes back as int64"},
		{variable{[]string{"a"}}, variable{[]any{"a"}}, "[]string in a variable of an interface type comes back as []interface {}"},
		{variable{[]string(nil)}, variable{nil}, ""},
		{variable{"a\xff"}, variable{[]byte("a\xff")}, ""},
		{variable{"ab"}, variable{[]byte("ab")}, "string in a variable"},
		{variable{nil}, variable{1}, "nil"},
		{variable{1}, variable{nil}, "does not come back"},
		{hidden{1}, hidden{int64(1)}, "the field v"},
		{map[any]int{1: 2}, map[any]int{int64(1): 2}, ""},
		{map[any]int{uint64(1 << 63): 2, nil: 3}, map[any]int{uint64(1 << 63): 2, nil: 3}, ""},
		{ring, other, ""},
		{json.RawMessage(`{"a b": "\" c" }`), json.RawMessage(`{"a b":"\" c"}`), ""},
		{json.RawMessage(`{"a b":1}`), json.RawMessage(`{"ab":1}`), "json.RawMessage"},
		{json.RawMessage("null"), json.RawMessage(nil), ""},
		{wire.Ext{Code: 5}, wire.Ext{Code: 5, Data: []byte{}}, ""},
		{wire.Ext{Code: 5}, wire.Ext{Code: 6}, "Ext"},
	} {
		err := wire.Same(reflect.ValueOf(tt.want), reflect.ValueOf(tt.got))
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%#v and %#v: %v", tt.want, tt.got, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%#v and %#v: got error %v, want one that says %q", tt.want, tt.got, err, tt.says)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("the error shows a value: %v", err)
		}
	}
}

// hollow compares what it does not write.
type hollow struct {
	n *int
	N int
}

func (a hollow) Equal(b hollow) bool { return *a.n == *b.n }

type locked struct {
	mu sync.Mutex
	N  int
}

func (a *locked) Equal(b *locked) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.N == b.N
}

// A method Equal that is not made for what came back is no reason to fail, nor to
// wait for a lock that the caller holds.
func TestSameOfOddMethods(t *testing.T) {
	n := 1
	if wire.Same(reflect.ValueOf(hollow{&n, 2}), reflect.ValueOf(hollow{nil, 2})) == nil {
		t.Error("a value without its pointer is the same")
	}
	held := &locked{N: 1}
	held.mu.Lock()
	defer held.mu.Unlock()
	if wire.Same(reflect.ValueOf(held), reflect.ValueOf(&locked{N: 1})) == nil {
		t.Error("a lock that is held is the same as one that is not")
	}
}
