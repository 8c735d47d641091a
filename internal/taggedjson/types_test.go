package taggedjson

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

var (
	someTime = time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	someUUID = pyvalue.UUID{0x12, 15: 0x34}
)

const (
	timeText = `{" d":"Thu, 29 Feb 2024 12:34:56 GMT"}`
	uuidText = `{" u":"12000000000000000000000000000034"}`
)

type inner struct {
	B string `json:"b"`
	A *int   `json:"a,omitempty"`
}

type outer struct {
	inner
	Zed  int            `json:"z"`
	Any  any            `json:"any,omitempty"`
	When time.Time      `json:"when,omitzero"`
	Pair [2]int         `json:"pair"`
	Map  map[string]any `json:"map,omitempty"`
	Skip int            `json:"-"`
	B    int            // hides inner's b? No: the names differ.
}

// A flag writes itself as text, a shape as JSON.
type flagText bool

func (f flagText) MarshalText() ([]byte, error) {
	if f {
		return []byte("up"), nil
	}
	return []byte("down"), nil
}

func (f *flagText) UnmarshalText(b []byte) error {
	if *f = string(b) == "up"; !*f && string(b) != "down" {
		return errors.New("secret cause")
	}
	return nil
}

type flagName string

type rawText string

func (r rawText) MarshalText() ([]byte, error) { return []byte(r), nil }

type shape struct{ sides int }

func (s shape) MarshalJSON() ([]byte, error) {
	return []byte(`{ " t" : [ ` + strings.Repeat("1, ", s.sides) + `"é" ] }`), nil
}

func (s *shape) UnmarshalJSON(b []byte) error {
	var m map[string][]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	s.sides = len(m[" t"]) - 1
	return nil
}

type onlyTag struct {
	T int `json:" t"`
}

// What is written, and read back into a variable of the same type.
func TestTypes(t *testing.T) {
	five := 5
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"nil", nil, "null"},
		{"int8", int8(-5), "-5"},
		{"uint64", uint64(math.MaxUint64), "18446744073709551615"},
		{"big.Int", *big.NewInt(7), "7"},
		{"pointer to big.Int", new(big.Int).Lsh(big.NewInt(1), 70), "1180591620717411303424"},
		{"float32 by its digits", float32(0.1), "0.1"},
		{"large float32", float32(1e20), "1e+20"},
		{"pointer", &five, "5"},
		{"nil pointer", (*int)(nil), "null"},
		{"nil slice", []int(nil), "null"},
		{"nil bytes", []byte(nil), "null"},
		{"nil map", map[string]int(nil), "null"},
		{"nil tuple", pyvalue.Tuple(nil), "null"},
		{"array of bytes", [3]byte{1, 2, 3}, `{" b":"AQID"}`},
		{"slice", []int8{1, -2}, "[1,-2]"},
		{"slice of slices of bytes", [][]byte{{1}, nil}, `[{" b":"AQ=="},null]`},
		{"tuple", pyvalue.Tuple{int64(1), pyvalue.Tuple{}}, `{" t":[1,{" t":[]}]}`},
		{"slice of tuples", []pyvalue.Tuple{{"a"}, nil}, `[{" t":["a"]},null]`},
		{"string that is not UTF-8", "\xff", `{" b":"/w=="}`},
		{"string with a surrogate", []string{"\xed\xa0\x80"}, `[{" b":"7aCA"}]`},
		{"string type that is not UTF-8", flagName("\xff"), `{" b":"/w=="}`},
		{"markup", pyvalue.Markup("<é>"), `{" m":"<\u00e9>"}`},
		{"UUID", someUUID, uuidText},
		{"time in another zone", someTime.In(time.FixedZone("", 3600)), timeText},
		{"zero time", time.Time{}, "null"},
		{"map with strings", map[string]int{"b": 1, "a": 2, "é": 3}, `{"a":2,"b":1,"\u00e9":3}`},
		{"map with integers", map[int]int{10: 1, 9: 2, -1: 3}, `{"-1":3,"9":2,"10":1}`},
		{"map with large integers", map[int64]int{-1<<53 - 1: 1, -1 << 53: 2}, `{"-9007199254740993":1,"-9007199254740992":2}`},
		{"map with float32s by their digits", map[float32]int{0.1: 1}, `{"0.1":1}`},
		{"map with unsigned integers", map[uint64]int{math.MaxUint64: 1, math.MaxUint64 - 1: 2}, `{"18446744073709551614":2,"18446744073709551615":1}`},
		{"map with floats", map[float64]bool{1e16: true, 2: false, math.Inf(-1): true}, `{"-Infinity":true,"2.0":false,"1e+16":true}`},
		{"map with booleans", map[bool]int{true: 1, false: 0}, `{"false":0,"true":1}`},
		{"map with texts", map[flagText]int{true: 1, false: 2}, `{"down":2,"up":1}`},
		{"map with UUIDs", map[pyvalue.UUID]int{someUUID: 1}, `{"12000000-0000-0000-0000-000000000034":1}`},
		{"map whose only key is a tag", map[string]int{" di": 1}, `{" di":{" di__":1}}`},
		{"map with a tag among its keys", map[string]int{" t": 1, "x": 2}, `{" t":1,"x":2}`},
		{"struct whose only field is a tag", onlyTag{1}, `{" di":{" t__":1}}`},
		{"struct", outer{inner: inner{B: "x", A: &five}, Zed: 1, Any: pyvalue.Tuple{pyvalue.Markup("m"), someUUID}, When: someTime, Map: map[string]any{" b": []byte{1}}, B: 2},
			`{"B":2,"a":5,"any":{" t":[{" m":"m"},` + uuidText + `]},"b":"x","map":{" di":{" b__":{" b":"AQ=="}}},"pair":[0,0],"when":` + timeText + `,"z":1}`},
		{"struct with little", outer{}, `{"B":0,"b":"","pair":[0,0],"z":0}`},
		{"text method", flagText(true), `"up"`},
		{"JSON method", shape{2}, `{" di":{" t__":[1,1,"\u00e9"]}}`},
		{"pointer to JSON method", &shape{0}, `{" di":{" t__":["\u00e9"]}}`},
		{"json.RawMessage", json.RawMessage(`{"b":1,"a":[]}`), `{"a":[],"b":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := Codec.Marshal([]byte("before"), tt.value)
			if got := string(raw); err != nil || got != "before"+tt.want {
				t.Fatalf("got %s and error %v, want %s", got, err, tt.want)
			}
			if tt.value == nil || tt.name == "json.RawMessage" {
				return
			}
			back := reflect.New(reflect.TypeOf(tt.value))
			if err := Codec.Unmarshal([]byte(tt.want), back.Interface()); err != nil {
				t.Fatal(err)
			}
			want := tt.value
			if at, ok := want.(time.Time); ok {
				want = at.UTC()
			}
			if got := back.Elem().Interface(); !reflect.DeepEqual(got, want) {
				t.Errorf("got back %#v, want %#v", got, want)
			}
		})
	}
}

// TestTypesThatBecomeText has what Flask writes, and reads back as something
// else.
func TestTypesThatBecomeText(t *testing.T) {
	day := pyvalue.Date{Year: 2024, Month: 2, Day: 29}
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"date", day, `"Thu, 29 Feb 2024 00:00:00 GMT"`},
		{"decimal", pyvalue.Decimal("1.10"), `"1.10"`},
		{"datetime", pyvalue.DateTime{Date: day, Time: pyvalue.Time{Hour: 12, Minute: 34, Second: 56, Microsecond: 789}}, timeText},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Codec.Marshal(nil, tt.value); err != nil || string(got) != tt.want {
				t.Errorf("got %s and error %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestReadInto(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  string
		want any
	}{
		{"a markup as a string", `{" m":"<b>"}`, "<b>"},
		{"a string as a markup", `"<b>"`, pyvalue.Markup("<b>")},
		{"a tuple as a slice", `{" t":[1,2]}`, []int{1, 2}},
		{"a tuple as an array", `{" t":[1,2]}`, [2]int{1, 2}},
		{"a list as a tuple", `[1]`, pyvalue.Tuple{int64(1)}},
		{"a UUID as bytes", uuidText, [16]byte(someUUID)},
		{"a UUID as a string", uuidText, "12000000-0000-0000-0000-000000000034"},
		{"a UUID from a string", `"12000000-0000-0000-0000-000000000034"`, someUUID},
		{"a UUID behind a pointer", uuidText, &someUUID},
		{"a UUID in an interface", `[` + uuidText + `]`, []any{someUUID}},
		{"a date, which Flask writes as a string", `"Thu, 29 Feb 2024 12:34:56 GMT"`, someTime},
		{"a time in ISO 8601", `"2024-02-29T12:34:56"`, someTime},
		{"a date that cannot be read", `{" d":"soon"}`, time.Time{}},
		{"bytes as an array", `{" b":"AQI="}`, [2]byte{1, 2}},
		{"base64 with junk", `{" b":"A!Q\nI="}`, []byte{1, 2}},
		{"base64 with more after its end", `{" b":"AQI=AQI="}`, []byte{1, 2}},
		{"an integer as a float", "5", 5.0},
		{"a large integer as a float", "18446744073709549568", 18446744073709549568.0},
		{"infinity", "-Infinity", math.Inf(-1)},
		{"too large a float is infinite", "1e400", math.Inf(1)},
		{"infinity as a float32", "Infinity", float32(math.Inf(1))},
		{"minus zero", "-0", int64(0)},
		{"half a surrogate pair", `"a\ud800b\udc00"`, "a\ufffdb\ufffd"},
		{"the halves in the wrong order", `"\udc00\ud800"`, "\ufffd\ufffd"},
		{"a pair in two escapes", `"\ud83d\ude00"`, "😀"},
		{"all escapes", `"\"\\\/\b\f\n\r\t\u00E9\u00e9"`, "\"\\/\b\f\n\r\téé"},
		{"keys twice", `{"a":1,"b":2,"a":3}`, map[string]any{"a": int64(3), "b": int64(2)}},
		{"a tag twice", `{" b":"AQ=="," b":"Ag=="}`, []byte{2}},
		{"a tag twice, in two spellings", `{" b":7,"\u0020\u0062":"Ag=="}`, []byte{2}},
		{"a tag and another key", `{" b":"AQ==","x":1}`, map[string]any{" b": "AQ==", "x": int64(1)}},
		{"another key and a tag", `{"x":1," b":"AQ=="}`, map[string]any{" b": "AQ==", "x": int64(1)}},
		{"an escaped dictionary with a short key", `{" di":{"a":1}}`, map[string]int{"": 1}},
		{"an escaped dictionary with characters beyond ASCII", `{" di":{"é😀\ud800":1}}`, map[string]int{"é": 1}},
		{"white space", " { \" t\" : [ 1 , { \" b\" :\n\"AQ==\" } ] } ", pyvalue.Tuple{int64(1), []byte{1}}},
		{"a tag inside a skipped field", `{"q":{" t":[{" b":"AQ=="}]},"z":7}`, struct {
			Z int `json:"z"`
		}{7}},
		{"a skipped field that is no plain JSON", `{"q":[NaN,{" b":"?"}],"z":7}`, struct {
			Z int `json:"z"`
		}{7}},
		{"a struct from an escaped dictionary", `{" di":{" t__":9}}`, onlyTag{9}},
		{"keys that are numbers", `{"1":true,"-7":false}`, map[int]bool{1: true, -7: false}},
		{"keys of an any map", `{"1":true}`, map[any]any{"1": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := reflect.New(reflect.TypeOf(tt.want))
			err := Codec.Unmarshal([]byte(tt.raw), v.Interface())
			if got := v.Elem().Interface(); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v and error %v, want %#v", got, err, tt.want)
			}
		})
	}
}

func TestTypeMismatch(t *testing.T) {
	type private struct{ *inner }
	for _, tt := range []struct {
		name string
		raw  string
		dst  any
	}{
		{"a string as an integer", `"5"`, new(int)},
		{"an integer that does not fit", "300", new(int8)},
		{"a negative integer as unsigned", "-1", new(uint)},
		{"a float as an integer", "5.0", new(int)},
		{"an integer that a float cannot hold", "9007199254740993", new(float64)},
		{"a negative integer that a float cannot hold", "-9007199254740993", new(float64)},
		{"an unsigned integer that does not fit", "300", new(uint8)},
		{"a large integer that a float cannot hold", "18446744073709551615", new(float64)},
		{"a float that a float32 cannot hold", "1e300", new(float32)},
		{"a string as bytes", `"AQ=="`, new([]byte)},
		{"bytes as a string", `{" b":"AQ=="}`, new(string)},
		{"bytes of another length", `{" b":"AQ=="}`, new([2]byte)},
		{"a list of another length", `[1]`, new([2]int)},
		{"a longer list", `[1,2,3]`, new([2]int)},
		{"a UUID as fewer bytes", uuidText, new([8]byte)},
		{"a time as a string", timeText, new(string)},
		{"a tuple as a dictionary", `{" t":[]}`, new(map[string]any)},
		{"a dictionary as a list", `{"a":1}`, new([]any)},
		{"a string as a time", `"soon"`, new(time.Time)},
		{"a number as a time", `5`, new(time.Time)},
		{"a string as a big.Int", `"5"`, new(big.Int)},
		{"text that a method refuses", `"sideways"`, new(flagText)},
		{"an interface with methods", `5`, new(error)},
		{"a key that is no number", `{"x":1}`, new(map[int]int)},
		{"a key that is null", `{"null":1}`, new(map[int]int)},
		{"an embedded struct that cannot be made", `{"b":"x"}`, new(private)},
		{"not a number, in plain JSON", `NaN`, new(shape)},
		{"no pointer", `5`, 5},
		{"a nil pointer", `5`, (*int)(nil)},
		{"nothing", `5`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Codec.Unmarshal([]byte(tt.raw), tt.dst)
			if !errors.Is(err, codec.ErrType) {
				t.Errorf("got error %v, want ErrType", err)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows too much: %v", err)
			}
		})
	}
}

func TestMarshalRefuses(t *testing.T) {
	var self []any
	self = append(self, &self)
	var loop any
	loop = &loop
	for _, tt := range []struct {
		name  string
		value any
		want  error
	}{
		{"a channel", make(chan int), codec.ErrType},
		{"a function inside", []any{func() {}}, codec.ErrType},
		{"a complex number", 1i, codec.ErrType},
		{"a text method that writes no UTF-8", rawText("\xff"), codec.ErrType},
		{"a markup that is not UTF-8", pyvalue.Markup("\xff"), codec.ErrType},
		{"an extension", codec.Ext{}, codec.ErrType},
		{"a set", pyvalue.Set{}, codec.ErrType},
		{"a frozen set in a list", []any{pyvalue.FrozenSet{}}, codec.ErrType},
		{"a timedelta", pyvalue.TimeDelta{}, codec.ErrType},
		{"a time of day", pyvalue.Time{}, codec.ErrType},
		{"a byte array", pyvalue.ByteArray{}, codec.ErrType},
		{"a date that is none", pyvalue.Date{}, codec.ErrType},
		{"a date before the year 100", pyvalue.Date{Year: 99, Month: 1, Day: 1}, codec.ErrType},
		{"a decimal that is none", pyvalue.Decimal(""), codec.ErrType},
		{"a key that is a list", map[[1]int]int{{1}: 1}, codec.ErrType},
		{"a key that is bytes", map[[1]byte]int{{1}: 1}, codec.ErrType},
		{"keys of several kinds", map[any]any{"a": 1, 2: 2}, codec.ErrType},
		{"nil and another key", map[any]any{nil: 1, 2: 2}, codec.ErrType},
		{"nil and text as keys", map[any]any{nil: 1, "a": 2}, codec.ErrType},
		{"keys that are written alike", map[any]any{int8(1): 1, 1: 2}, codec.ErrType},
		{"a time before the year 100", time.Date(99, 12, 31, 23, 59, 59, 0, time.UTC), codec.ErrType},
		{"a time after the year 9999", time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -60)), codec.ErrType},
		{"JSON that is none", json.RawMessage(`{`), codec.ErrMalformed},
		{"a list that contains itself", self, codec.ErrLimit},
		{"a pointer to itself", loop, codec.ErrLimit},
		{"too large an integer", new(big.Int).Exp(big.NewInt(10), big.NewInt(4300), nil), codec.ErrLimit},
		{"a huge integer", new(big.Int).Lsh(big.NewInt(1), 1<<20), codec.ErrLimit},
		{"a long string", strings.Repeat("x", codec.MaxSize+1), codec.ErrLimit},
		{"a string that gets long", strings.Repeat("é", codec.MaxSize/6+1), codec.ErrLimit},
		{"long bytes", make([]byte, codec.MaxSize), codec.ErrLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Codec.Marshal([]byte("x"), tt.value)
			if !errors.Is(err, tt.want) || string(got) != "x" {
				t.Errorf("got %s and error %v, want %v", shorten(got), err, tt.want)
			}
		})
	}
	most := new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(4300), nil), big.NewInt(1))
	raw, err := Codec.Marshal(nil, most)
	if err != nil || len(raw) != 4300 {
		t.Errorf("the largest integer: %d bytes and error %v", len(raw), err)
	}
	var back big.Int
	if err := Codec.Unmarshal(raw, &back); err != nil || back.Cmp(most) != 0 {
		t.Errorf("the largest integer is not read back: %v", err)
	}
}

// The rules for Go types are those of package codec: what its JSON writes of a
// value without the types that JSON lacks, this package reads, and the reverse.
func TestRulesOfCodecJSON(t *testing.T) {
	five := 5
	type deep struct {
		outer
		Q    int `json:"b"` // hides inner's
		X, Y string
	}
	type other struct {
		B string `json:"b"`
		C string `json:"c"`
	}
	// Both have a b, so neither counts. Written out, vet would object.
	ambiguous := reflect.New(reflect.StructOf([]reflect.StructField{
		{Name: "Inner", Type: reflect.TypeFor[inner](), Anonymous: true},
		{Name: "Other", Type: reflect.TypeFor[other](), Anonymous: true},
	})).Elem()
	ambiguous.Field(0).Field(0).SetString("1")
	ambiguous.Field(1).Field(0).SetString("2")
	ambiguous.Field(1).Field(1).SetString("3")
	type twice struct {
		L, R struct {
			N int `json:"n"`
		}
	}
	for _, v := range []any{
		outer{inner: inner{B: "x", A: &five}, B: 1, Map: map[string]any{"k": "v"}, Any: 1.5},
		deep{outer: outer{inner: inner{B: "hidden"}}, Q: 4, X: "x"},
		ambiguous.Interface(), twice{}, map[string][]int{"a": {1}, "b": nil}, []*int{&five, nil}, map[int]string{2: "x"},
		map[flagText]flagText{true: false}, struct {
			F []flagText
			U uint64
			E struct{}
		}{[]flagText{true}, math.MaxUint64, struct{}{}},
	} {
		for _, way := range [][2]codec.Codec{{Codec, codec.JSON}, {codec.JSON, Codec}} {
			raw, err := way[0].Marshal(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			back := reflect.New(reflect.TypeOf(v))
			if err := way[1].Unmarshal(raw, back.Interface()); err != nil {
				t.Fatal(err)
			}
			again, err := way[0].Marshal(nil, back.Interface())
			if err != nil || string(again) != string(raw) {
				t.Errorf("%T by way of %s and %s: got %s and error %v, want %s", v, way[0].Name(), way[1].Name(), again, err, raw)
			}
		}
	}
}

// Keys that are not UTF-8 come back, as values do: a visitor may have sent them.
func TestTextThatIsNotUTF8ComesBack(t *testing.T) {
	want := map[string][]string{"caf\xe9": {"\xff", "x"}, "caf\xe8": nil, "café": {}, "data:;charset=unknown-8bit;base64,/w==": {"data:;charset=unknown-8bit;base64,/w=="}}
	raw, err := Codec.Marshal(nil, want)
	if err != nil || !utf8.Valid(raw) {
		t.Fatalf("got %q and error %v", raw, err)
	}
	var got map[string][]string
	if err := Codec.Unmarshal(raw, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got back %q and error %v, want %q", got, err, want)
	}
	for _, v := range []string{"\xff", "data:;charset=unknown-8bit;base64,/w=="} {
		raw, err := Codec.Marshal(nil, v)
		if got, readErr := codec.Value[string](Codec, raw); err != nil || readErr != nil || got != v {
			t.Errorf("got back %q, errors %v and %v, want %q", got, err, readErr, v)
		}
	}
}
