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

// enc is a value in both codecs, as hex and as text. An empty one is left out.
type enc struct{ msgpack, json string }

func (e enc) each(t *testing.T, do func(c Codec, raw []byte)) {
	t.Helper()
	if e.msgpack != "" {
		raw, err := hex.DecodeString(e.msgpack)
		if err != nil {
			t.Fatal(err)
		}
		do(MsgPack, raw)
	}
	if e.json != "" {
		do(JSON, []byte(e.json))
	}
}

func TestReadingFits(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  enc
		want any // nil if it must be refused
		into any // a value of the type asked for, if want is nil
	}{
		{"int8 at its end", enc{"d080", "-128"}, int8(-128), nil},
		{"int8 too small", enc{"d1ff7f", "-129"}, nil, int8(0)},
		{"uint8 too large", enc{"cd0100", "256"}, nil, uint8(0)},
		{"uint from a negative number", enc{"ff", "-1"}, nil, uint(0)},
		{"int64 too large", enc{"cf8000000000000000", "9223372036854775808"}, nil, int64(0)},
		{"uint64 too large", enc{"c70a4900010000000000000000", "18446744073709551616"}, nil, uint64(0)},
		{"int in a long form", enc{"d30000000000000005", ""}, uint8(5), nil},
		{"int from a float", enc{"cb3ff0000000000000", "1.0"}, nil, 0},
		{"int from a string", enc{"a131", `"1"`}, nil, 0},
		{"int from a boolean", enc{"c3", "true"}, nil, 0},
		{"bool from an int", enc{"01", "1"}, nil, false},
		{"float from an int", enc{"07", "7"}, 7.0, nil},
		{"float from the largest exact int", enc{"cf0020000000000000", "9007199254740992"}, float64(1 << 53), nil},
		{"float from an int it cannot hold", enc{"cf0020000000000001", "9007199254740993"}, nil, 0.0},
		{"float from the largest uint", enc{"cfffffffffffffffff", "18446744073709551615"}, nil, 0.0},
		{"float from the largest int", enc{"cf7fffffffffffffff", "9223372036854775807"}, nil, 0.0},
		{"float32 from a float", enc{"cb3fb999999999999a", "0.1"}, float32(0.1), nil},
		{"float32 too large", enc{"cb7e37e43c8800759c", "1e300"}, nil, float32(0)},
		{"float32 from infinity", enc{"cb7ff0000000000000", ""}, float32(math.Inf(1)), nil},
		{"float32 from an int it cannot hold", enc{"ce01000001", "16777217"}, nil, float32(0)},
		{"float from a string", enc{"a131", `"1"`}, nil, 0.0},
		{"string from bytes", enc{"c40161", ""}, nil, ""},
		{"string from an int", enc{"01", "1"}, nil, ""},
		{"bytes from a string", enc{"a161", `"YQ="`}, nil, []byte{}},
		{"bytes from base64", enc{"", `"YWJj"`}, []byte("abc"), nil},
		{"bytes from a list", enc{"920102", "[1,2]"}, []byte{1, 2}, nil},
		{"array of bytes of another length", enc{"c403616263", `"YWJj"`}, nil, [4]byte{}},
		{"array from a short list", enc{"9101", "[1]"}, nil, [2]int{}},
		{"array from a long list", enc{"93010203", "[1,2,3]"}, nil, [2]int{}},
		{"slice from a map", enc{"80", "{}"}, nil, []int{}},
		{"slice with a wrong element", enc{"9201a161", `[1,"a"]`}, nil, []int{}},
		{"map from a list", enc{"90", "[]"}, nil, map[string]int{}},
		{"map with a key of another type", enc{"810102", `{"x":1}`}, nil, map[netip.Addr]int{}},
		{"map with int keys written as text", enc{"81a13102", `{"1":2}`}, map[int]int{1: 2}, nil},
		{"map with int keys that are none", enc{"81a16102", `{"a":2}`}, nil, map[int]int{}},
		{"map with keys too large", enc{"81a333303002", `{"300":2}`}, nil, map[int8]int{}},
		{"struct from a list", enc{"90", "[]"}, nil, item{}},
		{"struct with unknown fields", enc{"83a17a9101a3534b55a161c0c3", `{"z":[1],"SKU":"a","y":{"b":1}}`}, item{SKU: "a"}, nil},
		{"struct with a map as key", enc{"828101910202a3534b55a161", ""}, item{SKU: "a"}, nil},
		{"time from a naive string", enc{"b3323032342d30322d32395431323a33343a3536", `"2024-02-29T12:34:56"`},
			time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC), nil},
		{"time from a date", enc{"aa323032342d30322d3239", `"2024-02-29"`}, time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), nil},
		{"time from other text", enc{"a161", `"a"`}, nil, time.Time{}},
		{"time from an int", enc{"01", "1"}, nil, time.Time{}},
		{"big.Int from an int", enc{"05", "5"}, *big.NewInt(5), nil},
		{"big.Int from a large int", enc{"cf8000000000000000", "9223372036854775808"}, *new(big.Int).Lsh(big.NewInt(1), 63), nil},
		{"big.Int from a float", enc{"cb3ff0000000000000", "1.0"}, nil, big.Int{}},
		{"extension", enc{"d40501", ""}, Ext{Code: 5, Data: []byte{1}}, nil},
		{"extension from an int", enc{"05", "5"}, nil, Ext{}},
		{"extension from a time", enc{"d6ff65e079f0", ""}, Ext{Code: -1, Data: []byte{0x65, 0xe0, 0x79, 0xf0}}, nil},
		{"interface with methods", enc{"81a14505", `{"E":5}`}, nil, struct{ E error }{}},
		{"key that holds a list", enc{"8191900a", ""}, nil, map[[1]any]int{}},
		{"key that holds an int", enc{"8191070a", ""}, map[[1]any]int{{int64(7)}: 10}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.raw.each(t, func(c Codec, raw []byte) {
				into := tt.want
				if into == nil {
					into = tt.into
				}
				got := reflect.New(reflect.TypeOf(into))
				err := c.Unmarshal(raw, got.Interface())
				switch {
				case tt.want == nil && !errors.Is(err, ErrType):
					t.Errorf("%s: got %v and error %v, want ErrType", c.Name(), got.Elem(), err)
				case tt.want != nil && err != nil:
					t.Errorf("%s: %v", c.Name(), err)
				case tt.want != nil && !reflect.DeepEqual(got.Elem().Interface(), tt.want):
					t.Errorf("%s: got %#v, want %#v", c.Name(), got.Elem(), tt.want)
				}
			})
		})
	}
}

func TestReadingIntoAny(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  enc
		want any
	}{
		{"nil", enc{"c0", "null"}, nil},
		{"int", enc{"05", "5"}, int64(5)},
		{"minus zero", enc{"", "-0"}, int64(0)},
		{"largest int64", enc{"cf7fffffffffffffff", "9223372036854775807"}, int64(math.MaxInt64)},
		{"uint64", enc{"cf8000000000000000", "9223372036854775808"}, uint64(1 << 63)},
		{"big integer", enc{"c70a4900010000000000000000", "18446744073709551616"}, huge},
		{"float32", enc{"ca3fc00000", ""}, 1.5},
		{"float with an exponent", enc{"", "1E2"}, 100.0},
		{"list", enc{"9201a161", `[1,"a"]`}, []any{int64(1), "a"}},
		{"empty list", enc{"90", " [ ] "}, []any{}},
		{"map", enc{"81a16101", `{ "a" : 1 }`}, map[string]any{"a": int64(1)}},
		{"empty map", enc{"80", "{}"}, map[string]any{}},
		{"map with a key twice", enc{"82a16101a16102", `{"a":1,"\u0061":2}`}, map[string]any{"a": int64(2)}},
		{"map with mixed keys", enc{"84a1610102a162c0c0c3c2", ""}, map[any]any{"a": int64(1), int64(2): "b", nil: nil, true: false}},
		{"extension", enc{"d40501", ""}, Ext{Code: 5, Data: []byte{1}}},
		{"escapes", enc{"", `"\"\\\/\b\f\n\r\té\u00fc\ud83d\ude00"`}, "\"\\/\b\f\n\r\téü😀"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.raw.each(t, func(c Codec, raw []byte) {
				got := any("before")
				if err := c.Unmarshal(raw, &got); err != nil {
					t.Errorf("%s: %v", c.Name(), err)
				} else if !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s: got %#v, want %#v", c.Name(), got, tt.want)
				}
			})
		})
	}
}

func TestMalformedValues(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  enc
	}{
		{"cut off", enc{"a261", `"a`}},
		{"cut off in a header", enc{"db0000", `"\u00`}},
		{"more after it", enc{"0101", "1 1"}},
		{"list cut off", enc{"9201", "[1,"}},
		{"map without its last value", enc{"81a161", `{"a"`}},
		{"map without a value", enc{"82a16101a162", `{"a":}`}},
		{"extension cut off", enc{"c70205", ""}},
		{"extension of length 0 without a code", enc{"c700", ""}},
		{"byte that is never used", enc{"91c1", ""}},
		{"text that is not UTF-8", enc{"a1ff", "\"\xff\""}},
		{"timestamp of 5 bytes", enc{"c705ff0000000000", ""}},
		{"big integer without sign", enc{"c70049", ""}},
		{"big integer with leading zero", enc{"c703490000ff", ""}},
		{"big integer with wrong sign", enc{"c703490201ff", ""}},
		{"lone surrogate", enc{"", `"\ud800"`}},
		{"surrogates the wrong way round", enc{"", `"\ude00\ud83d"`}},
		{"control character", enc{"", "\"\x1f\""}},
		{"unknown escape", enc{"", `"\x41"`}},
		{"escape with a wrong digit", enc{"", `"\u00g0"`}},
		{"number with leading zero", enc{"", "01"}},
		{"number with plus", enc{"", "+1"}},
		{"number ending in a point", enc{"", "1."}},
		{"number beginning with a point", enc{"", ".1"}},
		{"number without exponent", enc{"", "1e+"}},
		{"minus alone", enc{"", "-"}},
		{"word", enc{"", "nul"}},
		{"word with more", enc{"", "nullx"}},
		{"NaN", enc{"", "NaN"}},
		{"comma at the end", enc{"", "[1,]"}},
		{"comma at the beginning", enc{"", "[,1]"}},
		{"comma at the end of an object", enc{"", `{"a":1,}`}},
		{"wrong bracket", enc{"", "[1}"}},
		{"wrong brace", enc{"", `{"a":1]`}},
		{"key that is not a string", enc{"", "{1:1}"}},
		{"no colon", enc{"", `{"a" 1}`}},
		{"colon in a list", enc{"", "[1:2]"}},
		{"byte order mark", enc{"", "\ufeff1"}},
		{"comment", enc{"", "1 // one"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.raw.each(t, func(c Codec, raw []byte) {
				var got any
				if err := c.Unmarshal(raw, &got); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s: got %#v and error %v, want ErrMalformed", c.Name(), got, err)
				}
			})
		})
	}
	for _, c := range []Codec{MsgPack, JSON} {
		if err := c.Unmarshal(nil, new(any)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, nothing at all: got error %v, want ErrMalformed", c.Name(), err)
		}
	}
}

func TestNilIsTheZeroValue(t *testing.T) {
	filled := cart{Items: []item{{"a", 1}}, Note: ptr("n"), Any: 1, Rank: 3, Seen: time.Now(), Addr: netip.MustParseAddr("::1")}
	for _, v := range []any{1, "a", true, 1.5, []int{1}, map[string]int{"a": 1}, [2]int{1, 2}, ptr(1), time.Now(), *huge,
		Ext{Code: 1}, level(2), point{1, 2}, ptr(point{1, 2}), filled} {
		enc{"c0", "null"}.each(t, func(c Codec, raw []byte) {
			got := reflect.New(reflect.TypeOf(v))
			got.Elem().Set(reflect.ValueOf(v))
			if err := c.Unmarshal(raw, got.Interface()); err != nil || !got.Elem().IsZero() {
				t.Errorf("%s into %T: got %v and error %v, want the zero value", c.Name(), v, got.Elem(), err)
			}
		})
	}
}

func TestAbsentFieldsStay(t *testing.T) {
	got := cart{Any: "kept", Items: []item{{"old", 1}}, Extra: map[string]any{"old": 1}}
	if err := JSON.Unmarshal([]byte(`{"items":[{"count":2}],"extra":{"new":true}}`), &got); err != nil {
		t.Fatal(err)
	}
	want := cart{Any: "kept", Items: []item{{"", 2}}, Extra: map[string]any{"new": true}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v: slices and maps replaced, absent fields kept", got, want)
	}
}

func TestDestinationMustBeAPointer(t *testing.T) {
	for _, dst := range []any{nil, 5, "a", (*int)(nil)} {
		for _, c := range []Codec{MsgPack, JSON} {
			raw, _ := c.Marshal(nil, 5)
			if err := c.Unmarshal(raw, dst); !errors.Is(err, ErrType) {
				t.Errorf("%s into %T: got error %v, want ErrType", c.Name(), dst, err)
			}
		}
	}
}

func TestDecodedValuesDoNotShareTheRecord(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		raw, err := c.Marshal(nil, map[string]any{"b": []byte("bytes"), "s": "text"})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			B []byte `json:"b"`
			S string `json:"s"`
		}
		if err := c.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		got.B[0] = '#'
		if strings.Contains(string(raw), "#") {
			t.Errorf("%s: changing a value changed the record", c.Name())
		}
	}
}
