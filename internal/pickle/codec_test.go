package pickle

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// TestServesACodec changes one value of a record of Flask's and keeps the rest.
func TestServesACodec(t *testing.T) {
	c := Codec(0)
	record := []byte("(dp0\nV_permanent\np1\nI01\nsVn\np2\nI3\nsI7\ncdatetime\ndate\np3\n(c_codecs\nencode\np4\n(V\x07\xe8\x02\x1d\np5\nVlatin1\np6\ntp7\nRp8\ntp9\nRp10\ns.")
	fields, err := c.Split(nil, record)
	if err != nil || len(fields) != 3 || string(fields[1].Name) != "n" || fields[2].Name != nil {
		t.Fatalf("got %v, %v", fields, err)
	}
	var n int
	if err := c.Unmarshal(fields[1].Raw, &n); err != nil || n != 3 {
		t.Fatalf("got %d, %v", n, err)
	}
	same, err := c.Join(nil, fields)
	if err != nil || string(same) != string(record) {
		t.Errorf("got %q, %v", same, err)
	}
	if fields[1].Raw, err = c.Marshal(nil, n+1); err != nil {
		t.Fatal(err)
	}
	raw, err := c.Marshal(nil, "ada")
	if err != nil {
		t.Fatal(err)
	}
	fields = append(fields, codec.Field{Name: []byte("user"), Raw: raw})
	got, err := c.Join([]byte("before"), fields)
	want := "before(dp0\nV_permanent\np1\nI01\nsVn\np2\nI4\nsI7\ncdatetime\ndate\np3\n(c_codecs\nencode\np4\n(V\x07\xe8\x02\x1d\np5\nVlatin1\np6\ntp7\nRp8\ntp9\nRp10\nsVuser\np11\nVada\np12\ns."
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestMatch(t *testing.T) {
	for _, v := range allVectors(t) {
		if data := v.pickle.data; data != nil && !Codec(4).Match(data) {
			t.Errorf("%s, protocol %d: does not match", v.name, v.protocol)
		}
	}
	for _, s := range []string{"", "\x80", "\x81\xa1a\x01", "\xde\x00\x00", "{}", " {}", "N.", "null"} {
		if Codec(4).Match([]byte(s)) {
			t.Errorf("%q matches", s)
		}
	}
}

type person struct {
	Name  string    `msgpack:"n"`
	Since time.Time `json:"since"`
	Tags  []string
}

// TestTypes writes Go values, shows what Python reads, and reads them back into
// a variable of the same type.
func TestTypes(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789012000, time.FixedZone("", 5400))
	const atText = `datetime {2024 2 29} time 12:34:56.789012 true 1h30m0s`
	huge := new(big.Int).Lsh(big.NewInt(1), 70)
	seven := 7
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"nil pointer", (*int)(nil), "<nil> <nil>"},
		{"pointer", &seven, "int64 7"},
		{"uint8", uint8(200), "int64 200"},
		{"uint64", uint64(math.MaxUint64), "int ffffffffffffffff"},
		{"big.Int", huge, "int 400000000000000000"},
		{"float32 by its digits", float32(0.1), "float 3fb999999999999a"},
		{"NaN", math.Inf(-1), "float fff0000000000000"},
		{"complex", complex(1, -2), "complex128 (1-2i)"},
		{"string", "é", `str "é"`},
		{"string with a surrogate", "\xed\xa0\x80", `str "\xed\xa0\x80"`},
		{"string that is not UTF-8", "\xff", `[]uint8 []byte{0xff}`},
		{"bytes", []byte{1, 2}, `[]uint8 []byte{0x1, 0x2}`},
		{"time", at, atText},
		{"slice", []int{1, 2}, "list[int64 1 int64 2 ]"},
		{"empty slice", []int{}, "list[]"},
		{"array of bytes", [2]byte{1, 2}, `[]uint8 []byte{0x1, 0x2}`},
		{"map", map[string]int{"b": 1, "a": 2}, `dict[str "a" int64 2 str "b" int64 1 ]`},
		{"map with integers", map[int]string{2: "b"}, `dict[int64 2 str "b" ]`},
		{"map with dates", map[pyvalue.Date]int{{Year: 1, Month: 2, Day: 3}: 1}, `dict[pyvalue.Date pyvalue.Date{Year:1, Month:2, Day:3} int64 1 ]`},
		{"struct", person{Name: "ada", Since: at, Tags: []string{"x"}}, `dict[str "n" str "ada" str "since" ` + atText + ` str "Tags" list[str "x" ] ]`},
		{"tuple", pyvalue.Tuple{int64(1), pyvalue.Tuple{}}, "tuple[int64 1 tuple[] ]"},
		{"slice of tuples", []pyvalue.Tuple{{"a"}, nil}, `list[tuple[str "a" ] <nil> <nil> ]`},
		{"set", pyvalue.Set{int64(1), "a"}, `set{int64 1 str "a"}`},
		{"frozen set in a set", pyvalue.Set{pyvalue.FrozenSet{int64(1)}}, "set{frozenset{int64 1}}"},
		{"markup", pyvalue.Markup("<é>"), `pyvalue.Markup "<é>"`},
		{"bytearray", pyvalue.ByteArray{1}, `pyvalue.ByteArray pyvalue.ByteArray{0x1}`},
		{"UUID", pyvalue.UUID{15: 1}, `pyvalue.UUID pyvalue.UUID{0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x1}`},
		{"decimal", pyvalue.Decimal("1.10"), `pyvalue.Decimal "1.10"`},
		{"date", date(2024, 2, 29), `pyvalue.Date pyvalue.Date{Year:2024, Month:2, Day:29}`},
		{"time of day", Time{Hour: 1}, "time 01:00:00.000000 false 0s"},
		{"naive datetime", datetime(date(2024, 2, 29), Time{Hour: 1, Fold: true}), "datetime {2024 2 29} time 01:00:00.000000 false 0s"},
		{"timedelta", TimeDelta{Days: -1, Seconds: 1}, "pyvalue.TimeDelta pyvalue.TimeDelta{Days:-1, Seconds:1, Microseconds:0}"},
		{"zone", Zone{Aware: true, Offset: time.Hour}, `pyvalue.Zone pyvalue.Zone{Aware:true, Named:false, Name:"", Offset:3600000000000}`},
		{"any", map[string]any{"k": pyvalue.Tuple{at.UTC(), []any{nil}}},
			`dict[str "k" tuple[datetime {2024 2 29} time 11:04:56.789012 true 0s list[<nil> <nil> ] ] ]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := Codec(4).Marshal([]byte("before"), tt.value)
			if err != nil {
				t.Fatal(err)
			}
			raw = bytes.TrimPrefix(raw, []byte("before"))
			v, err := Unmarshal(raw, Limits{})
			if got := describe(v); err != nil || got != tt.want {
				t.Errorf("got %s and error %v, want %s", got, err, tt.want)
			}
			again, err := Append(nil, v, 4)
			if err != nil || !bytes.Equal(again, raw) {
				t.Errorf("Python would write %q, got %q", again, raw)
			}
			back := reflect.New(reflect.TypeOf(tt.value))
			if err := Codec(4).Unmarshal(raw, back.Interface()); err != nil {
				t.Fatal(err)
			}
			if got := back.Elem().Interface(); !equal(got, tt.value) {
				t.Errorf("read back: got %#v, want %#v", got, tt.value)
			}
		})
	}
}

// equal is reflect.DeepEqual but for times.
func equal(a, b any) bool {
	if p, ok := a.(person); ok {
		q := b.(person)
		same := p.Since.Equal(q.Since)
		p.Since = q.Since
		return same && reflect.DeepEqual(p, q)
	}
	if at, ok := a.(time.Time); ok {
		return at.Equal(b.(time.Time))
	}
	return reflect.DeepEqual(a, b)
}

// TestAny reads Python's values into variables of type any, and writes what it
// got: Python sees the same values again.
func TestAny(t *testing.T) {
	for _, v := range loadVectors(t).Values {
		if v.Redis.data == nil {
			continue
		}
		value, err := Unmarshal(v.Redis.data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var a any
		if err := Codec(4).Unmarshal(v.Redis.data, &a); err != nil {
			if !errors.Is(err, codec.ErrType) || !unhashableInGo[v.Name] {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		if unhashableInGo[v.Name] {
			t.Errorf("%s is listed as unhashable in Go, but was read", v.Name)
		}
		raw, err := Codec(4).Marshal(nil, a)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		back, err := Unmarshal(raw, Limits{})
		if got, want := describe(sorted(back)), describe(sorted(value)); err != nil || got != want {
			t.Errorf("%s: got %s and error %v, want %s", v.Name, shorten(got), err, shorten(want))
		}
	}
}

// unhashableInGo are the vectors with keys that are slices in Go.
var unhashableInGo = map[string]bool{"dict_tuple_key": true, "dict_bytes_key": true, "dict_frozenset_key": true}

// sorted returns v with the entries of each dict in order.
func sorted(v Value) Value {
	switch v := v.(type) {
	case *List:
		return &List{Items: sortedAll(v.Items)}
	case *Tuple:
		return &Tuple{Items: sortedAll(v.Items)}
	case *Dict:
		d := &Dict{}
		for _, e := range v.entries {
			d.entries = append(d.entries, entry{e.id, e.key, sorted(e.value)})
		}
		sortEntries(d.entries)
		return d
	}
	return v
}

// TestReadsInto reads Python's values into Go variables of other types.
func TestReadsInto(t *testing.T) {
	noon := datetime(date(2024, 2, 29), Time{Hour: 12})
	for _, tt := range []struct {
		name string
		from Value
		dst  any
		want any // an error if it does not fit
	}{
		{"None into int", nil, ptr(5), 0},
		{"None into string", nil, ptr("x"), ""},
		{"int into int8", int64(5), new(int8), int8(5)},
		{"int beyond int8", int64(500), new(int8), codec.ErrType},
		{"int into float64", int64(5), new(float64), 5.0},
		{"bool into int", true, new(int), codec.ErrType},
		{"large int into uint64", new(big.Int).SetUint64(math.MaxUint64), new(uint64), uint64(math.MaxUint64)},
		{"int into big.Int", int64(5), new(big.Int), *big.NewInt(5)},
		{"Markup into string", Markup("<b>"), new(string), "<b>"},
		{"Markup key", dict(Markup("a"), int64(1)), new(map[string]int), map[string]int{"a": 1}},
		{"Decimal into string", Decimal("1.10"), new(string), "1.10"},
		{"UUID into string", UUID{15: 1}, new(string), "00000000-0000-0000-0000-000000000001"},
		{"UUID into bytes", UUID{15: 1}, new([16]byte), [16]byte{15: 1}},
		{"naive datetime into time.Time", noon, new(time.Time), time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)},
		{"date into time.Time", date(2024, 2, 29), new(time.Time), time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"bytearray into bytes", ByteArray{1}, new([]byte), []byte{1}},
		{"bytes into string", []byte("a"), new(string), codec.ErrType},
		{"tuple into slice", tuple(int64(1), int64(2)), new([]int), []int{1, 2}},
		{"tuple into array", tuple(int64(1), int64(2)), new([2]int), [2]int{1, 2}},
		{"set into slice", &frozen([]Value{"a"}).Set, new([]string), []string{"a"}},
		{"list into tuple", &List{Items: []Value{"a"}}, new(pyvalue.Tuple), pyvalue.Tuple{"a"}},
		{"tuple into int", tuple(), new(int), codec.ErrType},
		{"complex into string", complex(1, 2), new(string), codec.ErrType},
		{"timezone into string", Zone{Aware: true}, new(string), codec.ErrType},
		{"dict into struct", dict(int64(1), "x", tuple("y"), tuple(tuple("z")), "n", "ada"), new(person), person{Name: "ada"}},
		{"dict with a list in a field that is left out", dict("x", &List{Items: []Value{"a"}}, "n", "ada"), new(person), person{Name: "ada"}},
		{"dict with mixed keys", dict(int64(1), "x", "a", "y"), new(any), any(map[any]any{int64(1): "x", "a": "y"})},
		{"dict with UUIDs", dict(UUID{1}, "x"), new(map[pyvalue.UUID]string), map[pyvalue.UUID]string{{1}: "x"}},
		{"into no pointer", nil, 5, codec.ErrType},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := Append(nil, tt.from, 4)
			if err != nil {
				t.Fatal(err)
			}
			err = Codec(4).Unmarshal(raw, tt.dst)
			if want, ok := tt.want.(error); ok {
				if !errors.Is(err, want) {
					t.Errorf("got error %v, want %v", err, want)
				}
				return
			}
			if got := reflect.ValueOf(tt.dst).Elem().Interface(); err != nil || !equal(got, tt.want) {
				t.Errorf("got %#v and error %v, want %#v", got, err, tt.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func dict(keysAndValues ...Value) *Dict {
	d := &Dict{}
	for i := 0; i < len(keysAndValues); i += 2 {
		_ = d.Set(keysAndValues[i], keysAndValues[i+1])
	}
	return d
}

func TestMarshalRefuses(t *testing.T) {
	var deep any
	for range 256 {
		deep = []any{deep}
	}
	for name, v := range map[string]any{
		"a channel":               make(chan int),
		"an extension":            wire.Ext{},
		"year 10000":              time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"list in a set":           pyvalue.Set{[]any{1}},
		"dict in a frozen set":    pyvalue.FrozenSet{map[string]any{}},
		"array as a key":          map[[1]int]int{{1}: 1},
		"no decimal":              pyvalue.Decimal("x"),
		"no date":                 pyvalue.Date{},
		"Markup that is not text": pyvalue.Markup("\xff"),
	} {
		if got, err := Codec(4).Marshal([]byte("before"), v); !errors.Is(err, codec.ErrType) || string(got) != "before" {
			t.Errorf("%s: got %q and error %v", name, got, err)
		}
	}
	for name, v := range map[string]any{"depth": deep, "size": make([]byte, 17<<20)} {
		if _, err := Codec(4).Marshal(nil, v); !errors.Is(err, codec.ErrLimit) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestJoinRefuses(t *testing.T) {
	for name, f := range map[string]codec.Field{
		"no name":                 {Raw: []byte("N.")},
		"no value":                {Name: []byte("a")},
		"name that is not UTF-8":  {Name: []byte("\xff"), Raw: []byte("N.")},
		"name with a surrogate":   {Name: []byte("\xed\xa0\x80"), Raw: []byte("N.")},
		"a key that is no key":    {Key: []byte("]."), Raw: []byte("N.")},
		"a value that is refused": {Name: []byte("a"), Raw: []byte("cos\nsystem\n.")},
	} {
		got, err := Codec(4).Join([]byte("before"), []codec.Field{f})
		if string(got) != "before" || !errors.Is(err, codec.ErrType) && !errors.Is(err, codec.ErrMalformed) {
			t.Errorf("%s: got %q and error %v", name, got, err)
		}
	}
}

// TestSurrogatesAreKept has a name and a value that a Go string cannot hold as
// UTF-8.
func TestSurrogatesAreKept(t *testing.T) {
	record, err := Append(nil, dict("\xed\xa0\x80", "\xed\xb0\x80", "a", int64(1)), 4)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := Codec(4).Split(nil, record)
	if err != nil || len(fields) != 2 || fields[0].Name != nil || fields[1].Name == nil {
		t.Fatalf("got %q and error %v", fields, err)
	}
	if again, err := Codec(4).Join(nil, fields); err != nil || !bytes.Equal(again, record) {
		t.Errorf("got %q and error %v, want %q", again, err, record)
	}
}

// TestRefusedIsMalformed keeps apart what this package tells apart and what the
// contract of codecs knows.
func TestRefusedIsMalformed(t *testing.T) {
	_, err := Codec(4).Split(nil, []byte("\x80\x02}X\x01\x00\x00\x00acos\nsystem\n)Rs."))
	if !errors.Is(err, codec.ErrMalformed) || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), `"os.system"`) {
		t.Errorf("got %v", err)
	}
	for _, top := range []string{"\x80\x04N.", "\x80\x04].", "\x80\x04K\x01.", "(NNt."} {
		if _, err := Codec(4).Split(nil, []byte(top)); !errors.Is(err, codec.ErrMalformed) || !strings.Contains(err.Error(), "not a dict") {
			t.Errorf("%q: got %v", top, err)
		}
	}
}

func sortedAll(items []Value) []Value {
	out := make([]Value, len(items))
	for i, v := range items {
		out[i] = sorted(v)
	}
	return out
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(describe(a.key), describe(b.key)) })
}

// Keys that are not UTF-8 come back, as values do: a visitor may have sent them.
func TestKeysThatAreNotText(t *testing.T) {
	want := map[string][]string{"caf\xe9": {"\xff", "x"}, "x\xed\xa0\x80": {}, "café": nil}
	raw, err := Codec(4).Marshal(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][]string
	if err := Codec(4).Unmarshal(raw, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got back %q and error %v, want %q", got, err, want)
	}
	var untyped map[string]any
	if err := Codec(4).Unmarshal(raw, &untyped); err != nil || untyped["caf\xe9"] == nil {
		t.Errorf("as a map of anything: %q and error %v", untyped, err)
	}
}
