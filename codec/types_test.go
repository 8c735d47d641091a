package codec

import (
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type level int // writes itself as text

func (l level) MarshalText() ([]byte, error) {
	return []byte(strings.Repeat("!", min(max(int(l), 0), 100))), nil
}

func (l *level) UnmarshalText(b []byte) error {
	if strings.Trim(string(b), "!") != "" {
		return errors.New("not a level: " + string(b))
	}
	*l = level(len(b))
	return nil
}

type point struct{ X, Y int }

// MarshalJSON has white space in it, which is not to be stored.
func (p point) MarshalJSON() ([]byte, error) { return []byte(`[ "a b", 1 ]`), nil }

func (p *point) UnmarshalJSON(b []byte) error {
	if string(b) != `["a b",1]` {
		return errors.New("unexpected JSON")
	}
	*p = point{1, 2}
	return nil
}

type (
	named  string
	octet  byte
	digest [4]byte
	cart   struct {
		Items []item           `json:"items"`
		Note  *string          `json:"note,omitempty"`
		Extra map[string]any   `msgpack:"x" json:"extra"`
		Seen  time.Time        `json:"seen,omitzero"`
		Skip  int              `json:"-"`
		Next  *cart            `json:"next,omitempty"`
		Sizes map[int]uint16   `json:"sizes,omitempty"`
		Addr  netip.Addr       `json:"addr,omitzero"`
		Any   any              `json:"any,omitempty"`
		Rank  level            `json:"rank,omitempty"`
		Ranks map[level]string `json:"ranks,omitempty"`
	}
	item struct {
		SKU string
		N   uint8 `msgpack:"n" json:"count"`
	}
)

func ptr[T any](v T) *T { return &v }

// huge is one more than fits a uint64.
var huge = new(big.Int).Lsh(big.NewInt(1), 64)

func TestTypesAreWrittenAndRead(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789, time.UTC)
	for _, tt := range []struct {
		name    string
		value   any
		msgpack string // hex
		json    string
	}{
		{"bool", true, "c3", "true"},
		{"int8", int8(-128), "d080", "-128"},
		{"uint64", uint64(math.MaxUint64), "cfffffffffffffffff", "18446744073709551615"},
		{"uint16", uint16(300), "cd012c", "300"},
		{"float32", float32(0.1), "ca3dcccccd", "0.1"},
		{"float64 that is whole", 1e3, "cb408f400000000000", "1000.0"},
		{"named string", named("a"), "a161", `"a"`},
		{"bytes", []byte("abc"), "c403616263", `"YWJj"`},
		{"no bytes", []byte{}, "c400", `""`},
		{"nil bytes", []byte(nil), "c0", "null"},
		{"named bytes", []octet("abc"), "c403616263", `"YWJj"`},
		{"array of bytes", digest{1, 2, 3, 4}, "c40401020304", `"AQIDBA=="`},
		{"slice", []int{1, 2}, "920102", "[1,2]"},
		{"nil slice", []int(nil), "c0", "null"},
		{"empty slice", []int{}, "90", "[]"},
		{"slice of pointers", []*int{ptr(1), nil}, "9201c0", "[1,null]"},
		{"array", [2]string{"a", "b"}, "92a161a162", `["a","b"]`},
		{"map, sorted", map[string]int{"b": 1, "a": 2}, "82a16102a16201", `{"a":2,"b":1}`},
		{"map of anything, sorted", map[string]any{"d": nil, "b": nil, "a": nil, "c": nil, "e": nil}, "85a161c0a162c0a163c0a164c0a165c0",
			`{"a":null,"b":null,"c":null,"d":null,"e":null}`},
		{"map with int keys", map[int]bool{-1: true}, "81ffc3", `{"-1":true}`},
		{"map with float keys", map[float64]bool{1.5: true}, "81cb3ff8000000000000c3", `{"1.5":true}`},
		{"map with keys of bytes", map[digest]int{{1, 2, 3, 4}: 1}, "81c4040102030401", `{"AQIDBA==":1}`},
		{"map with text keys", map[level]int{2: 1}, "81a2212101", `{"!!":1}`},
		{"nil map", map[string]int(nil), "c0", "null"},
		{"map[any]any", map[any]any{"b": int64(1), "a": nil}, "82a161c0a16201", `{"a":null,"b":1}`},
		{"pointer to pointer", ptr(ptr(7)), "07", "7"},
		{"time in seconds", time.Unix(1709210096, 0).UTC(), "d6ff65e079f0", `"2024-02-29T12:34:56Z"`},
		{"time after 2^33 seconds", time.Unix(1<<33+1, 0).UTC(), "d7ff0000000200000001", `"2242-03-16T12:56:33Z"`},
		{"time with nanoseconds", at, "d7ff00000c5465e079f0", `"2024-02-29T12:34:56.000000789Z"`},
		{"big integer that fits", big.NewInt(-5), "fb", "-5"},
		{"big integer", huge, "c70a4900010000000000000000", "18446744073709551616"},
		{"negative big integer", new(big.Int).Neg(huge), "c70a4901010000000000000000", "-18446744073709551616"},
		{"text", level(3), "a3212121", `"!!!"`},
		{"address", netip.MustParseAddr("::1"), "a33a3a31", `"::1"`},
		{"json.Marshaler", point{1, 2}, "82a15801a15902", `["a b",1]`},
		{"pointer to json.Unmarshaler", ptr(point{1, 2}), "82a15801a15902", `["a b",1]`},
		{"struct", item{"a", 2}, "82a3534b55a161a16e02", `{"SKU":"a","count":2}`},
		{"struct, mostly empty", cart{}, "82a56974656d73c0a178c0", `{"items":null,"extra":null}`},
		{"struct with everything", cart{
			Items: []item{{"a", 1}}, Note: ptr("n"), Extra: map[string]any{"k": []any{"v"}}, Seen: at.Truncate(time.Second),
			Next: &cart{}, Sizes: map[int]uint16{4: 5}, Addr: netip.MustParseAddr("1.2.3.4"), Any: int64(5), Rank: 1,
			Ranks: map[level]string{1: "x"},
		}, "8aa56974656d739182a3534b55a161a16e01a46e6f7465a16ea17881a16b91a176a47365656ed6ff65e079f0" +
			"a46e65787482a56974656d73c0a178c0a573697a6573810405a461646472a7312e322e332e34a3616e7905" +
			"a472616e6ba121a572616e6b7381a121a178",
			`{"items":[{"SKU":"a","count":1}],"note":"n","extra":{"k":["v"]},"seen":"2024-02-29T12:34:56Z",` +
				`"next":{"items":null,"extra":null},"sizes":{"4":5},"addr":"1.2.3.4","any":5,"rank":"!","ranks":{"!":"x"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []Codec{MsgPack, JSON} {
				got, err := c.Marshal([]byte("before"), tt.value)
				if err != nil {
					t.Errorf("%s: Marshal: %v", c.Name(), err)
					continue
				}
				want := "before" + tt.json
				if c == MsgPack {
					raw, _ := hex.DecodeString(tt.msgpack)
					want = "before" + string(raw)
				}
				if string(got) != want {
					t.Errorf("%s: got %q (%x), want %q", c.Name(), got, got[6:], want)
				}
				back := reflect.New(reflect.TypeOf(tt.value))
				if err := c.Unmarshal(got[6:], back.Interface()); err != nil {
					t.Errorf("%s: Unmarshal: %v", c.Name(), err)
				} else if got := back.Elem().Interface(); !reflect.DeepEqual(got, tt.value) {
					t.Errorf("%s: got back %#v, want %#v", c.Name(), got, tt.value)
				}
			}
		})
	}
}

// What a visitor typed may be anything, must not make a page fail, and comes
// back as it was: as a value, as a key, and where any is asked for.
func TestTextThatIsNotUTF8(t *testing.T) {
	const text = "na\xefve"
	for _, tt := range []struct {
		codec Codec
		raw   string
	}{
		{MsgPack, "\xc7\x05\x4ana\xefve"},
		{JSON, `"data:;charset=unknown-8bit;base64,bmHvdmU="`},
	} {
		raw, err := tt.codec.Marshal(nil, text)
		if err != nil || string(raw) != tt.raw {
			t.Errorf("%s: Marshal = %q, %v, want %q", tt.codec.Name(), raw, err, tt.raw)
		}
		if s, err := String(tt.codec, raw); err != nil || s != text {
			t.Errorf("%s: String = %q, %v", tt.codec.Name(), s, err)
		}
		comesBack(t, tt.codec, text)
		comesBack(t, tt.codec, named(text))
		comesBack(t, tt.codec, item{SKU: text})
		comesBack(t, tt.codec, map[string][]string{text: {text, "x"}, "na\xefvf": nil, "naïve": {"y"}})
		comesBack(t, tt.codec, map[named]int{text: 1})
		comesBack(t, tt.codec, map[string]any{text: text, "x": []any{text, map[string]any{text: true}}})
		comesBack(t, tt.codec, map[any]any{text: text, true: int64(1)})
	}
	// What earlier versions wrote.
	if s, err := String(MsgPack, []byte("\xc4\x05na\xefve")); err != nil || s != text {
		t.Errorf("bytes that are not UTF-8 = %q, %v", s, err)
	}
	// Bytes that are UTF-8 were never text.
	raw, _ := MsgPack.Marshal(nil, []byte("abc"))
	if s, err := String(MsgPack, raw); !errors.Is(err, ErrType) {
		t.Errorf("bytes read as text: %q, %v, want ErrType", s, err)
	}
}

// comesBack checks that Unmarshal gives what Marshal was given. A format that has
// no form for it may refuse.
func comesBack[T any](t *testing.T, c Codec, v T) {
	t.Helper()
	raw, err := c.Marshal(nil, v)
	if c == JSON && errors.Is(err, ErrType) {
		return
	}
	if err != nil {
		t.Errorf("%s: %#v: %v", c.Name(), v, err)
		return
	}
	if got, err := Value[T](c, raw); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%s: got back %#v and error %v, want %#v", c.Name(), got, err, v)
	}
}

// An extension of our code that another program wrote holds no text of ours.
func TestExtensionsOfOurCodes(t *testing.T) {
	for _, raw := range []string{"\xd5\x4aab", "\xc7\x00\x4a"} {
		if v, err := Value[any](MsgPack, []byte(raw)); err != nil || reflect.TypeOf(v) != reflect.TypeFor[Ext]() {
			t.Errorf("%q: got %#v and error %v, want an Ext", raw, v, err)
		}
	}
	for _, raw := range []string{"\xd4\x4a\xff", "\xd5\x4aab", "\xd6\xffabcd"} {
		if v, err := Value[Ext](MsgPack, []byte(raw)); err != nil || len(v.Data) == 0 {
			t.Errorf("%q: got %#v and error %v, want an Ext", raw, v, err)
		}
	}
}

func TestTypesThatCannotBeWritten(t *testing.T) {
	for _, tt := range []struct {
		name     string
		value    any
		mentions string // in the error
	}{
		{"channel", make(chan int), "chan int"},
		{"function", func() {}, "func()"},
		{"complex number", complex(1, 2), "complex128"},
		{"within a struct", struct{ C chan bool }{}, "chan bool"},
		{"time before the year 1", time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), "years"},
		{"time after the year 9999", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "years"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []Codec{MsgPack, JSON} {
				got, err := c.Marshal([]byte("before"), tt.value)
				if !errors.Is(err, ErrType) || !strings.Contains(err.Error(), tt.mentions) {
					t.Errorf("%s: got error %v, want ErrType that mentions %q", c.Name(), err, tt.mentions)
				}
				if string(got) != "before" {
					t.Errorf("%s: got %q, want dst as it was", c.Name(), got)
				}
			}
		})
	}
}

func TestJSONRefuses(t *testing.T) {
	for name, v := range map[string]any{
		"infinity":    math.Inf(1),
		"NaN":         math.NaN(),
		"extension":   Ext{Code: 5},
		"boolean key": map[bool]int{true: 1},
		"nil key":     map[any]any{nil: 1},
	} {
		if _, err := JSON.Marshal(nil, v); !errors.Is(err, ErrType) {
			t.Errorf("%s: got error %v, want ErrType", name, err)
		}
	}
}

func TestMethodErrorsDoNotQuote(t *testing.T) {
	raw, _ := JSON.Marshal(nil, "secret")
	err := JSON.Unmarshal(raw, new(level))
	if !errors.Is(err, ErrType) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got error %v, want ErrType that does not quote the text", err)
	}
}

// mutual is a value that contains itself.
type mutual struct{ Next *mutual }

func TestEndlessValuesAreRefused(t *testing.T) {
	ring := &mutual{}
	ring.Next = ring
	var pointer any
	pointer = &pointer
	list := make([]any, 2)
	list[0], list[1] = list, list
	var doubled any = strings.Repeat("x", 1000)
	for range 40 {
		doubled = []any{doubled, doubled}
	}
	for name, v := range map[string]any{
		"ring of structs": ring, "pointer to itself": pointer, "list in itself twice": list,
		"forty doublings": doubled,
	} {
		for _, c := range []Codec{MsgPack, JSON} {
			if _, err := c.Marshal(nil, v); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: %s: got error %v, want ErrLimit", c.Name(), name, err)
			}
		}
	}
}
