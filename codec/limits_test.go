package codec

import (
	"bytes"
	"errors"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// nested returns a record of the given depth, itself counted.
func nested(c Codec, depth int) []byte {
	if c == MsgPack {
		return append(append([]byte("\x81\xa1a"), bytes.Repeat([]byte{0x91}, depth-2)...), 0x90)
	}
	return []byte(`{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}")
}

func TestDepthIsLimited(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		fields, err := c.Split(nil, nested(c, MaxDepth))
		if err != nil {
			t.Fatalf("%s: Split at the limit: %v", c.Name(), err)
		}
		if _, err := c.Split(nil, nested(c, MaxDepth+1)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: Split beyond the limit: got error %v, want ErrLimit", c.Name(), err)
		}
		var v any
		if err := c.Unmarshal(fields[0].Raw, &v); err != nil {
			t.Errorf("%s: Unmarshal at the limit: %v", c.Name(), err)
		}
		if err := c.Unmarshal(nested(c, MaxDepth+1), new(any)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: Unmarshal beyond the limit: got error %v, want ErrLimit", c.Name(), err)
		}
		if _, err := c.Marshal(nil, v); err != nil {
			t.Errorf("%s: Marshal at the limit: %v", c.Name(), err)
		}
		for name, deeper := range map[string]any{
			"list": []any{v}, "map": map[string]any{"a": v}, "typed list": [][]any{{v}}, "typed map": map[int]any{1: v},
			"struct": struct{ V any }{v},
		} {
			if _, err := c.Marshal(nil, deeper); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: Marshal of a %s beyond the limit: got error %v, want ErrLimit", c.Name(), name, err)
			}
		}
	}
}

// jsonRaw writes itself as the JSON it is.
type jsonRaw string

func (r jsonRaw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestWhatMarshalersWriteIsChecked(t *testing.T) {
	deep := jsonRaw(nested(JSON, MaxDepth-1))
	if _, err := JSON.Marshal(nil, deep); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := JSON.Marshal(nil, []jsonRaw{deep}); !errors.Is(err, ErrLimit) {
		t.Errorf("beyond the limit: got error %v, want ErrLimit", err)
	}
	if _, err := JSON.Marshal(nil, jsonRaw(`{"a":1}}`)); !errors.Is(err, ErrMalformed) {
		t.Errorf("malformed: got error %v, want ErrMalformed", err)
	}
}

func TestSizeIsLimited(t *testing.T) {
	large := make([]byte, MaxSize+1)
	for _, c := range []Codec{MsgPack, JSON} {
		for name, v := range map[string]any{
			"string": string(large), "bytes": large, "named bytes": named(large),
			"list": slices.Repeat([]any{string(large[:1<<20])}, 17),
		} {
			if _, err := c.Marshal(nil, v); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: Marshal of a large %s: got error %v, want ErrLimit", c.Name(), name, err)
			}
		}
		if _, err := c.Split(nil, large); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: Split: got error %v, want ErrLimit", c.Name(), err)
		}
		if err := c.Unmarshal(large, new(any)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: Unmarshal: got error %v, want ErrLimit", c.Name(), err)
		}
	}
}

func TestFieldsAreLimited(t *testing.T) {
	packed := append([]byte{0xdf, 0, 1, 0, 1}, bytes.Repeat([]byte{1, 1}, MaxFields+1)...)
	if _, err := MsgPack.Split(nil, packed); !errors.Is(err, ErrLimit) {
		t.Errorf("msgpack: got error %v, want ErrLimit", err)
	}
	m := make(map[int]int)
	for i := range MaxFields + 1 {
		m[i] = i
	}
	text, err := JSON.Marshal(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := JSON.Split(nil, text); !errors.Is(err, ErrLimit) {
		t.Errorf("json: got error %v, want ErrLimit", err)
	}
}

func TestDigitsAreLimited(t *testing.T) {
	v, _ := new(big.Int).SetString(strings.Repeat("9", 4299), 10)
	for _, c := range []Codec{MsgPack, JSON} {
		raw, err := c.Marshal(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		var got *big.Int
		if err := c.Unmarshal(raw, &got); err != nil || got.Cmp(v) != 0 {
			t.Errorf("%s: another integer came back; error %v", c.Name(), err)
		}
		if _, err := c.Marshal(nil, new(big.Int).Mul(v, v)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: Marshal: got error %v, want ErrLimit", c.Name(), err)
		}
	}
	for name, raw := range map[string][]byte{
		"digits":   bytes.Repeat([]byte{'9'}, 1<<20),
		"exponent": []byte("1e999999999999999999999"),
	} {
		if err := JSON.Unmarshal(raw, new(any)); !errors.Is(err, ErrLimit) {
			t.Errorf("json, %s: got error %v, want ErrLimit", name, err)
		}
	}
	long := append([]byte{0xc8, 0x80, 0, 73, 0}, bytes.Repeat([]byte{0xff}, 0x7fff)...)
	if err := MsgPack.Unmarshal(long, new(any)); !errors.Is(err, ErrLimit) {
		t.Errorf("msgpack: got error %v, want ErrLimit", err)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// list32 is a msgpack list that repeats an element.
func list32(element string, n int) []byte {
	return append([]byte{0xdd, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, strings.Repeat(element, n)...)
}

func textList(element string, n int) []byte {
	return []byte("[" + strings.Repeat(element+",", n) + element + "]")
}

// What takes the most memory for its bytes.
func TestMemoryIsBounded(t *testing.T) {
	const n = 10_000
	for _, tt := range []struct {
		name string
		c    Codec
		raw  []byte
		into any
	}{
		{"empty lists", MsgPack, list32("\x90", n), new(any)},
		{"empty maps", MsgPack, list32("\x80", n), new(any)},
		{"maps of one", MsgPack, list32("\x81\xa0\xc0", n), new(any)},
		{"maps of one other key", MsgPack, list32("\x81\xc0\xc0", n), new(any)},
		{"booleans", MsgPack, list32("\xc3", n), new(any)},
		{"floats", MsgPack, list32("\xca\x01\x02\x03\x04", n), new(any)},
		{"nil structs", MsgPack, list32("\xc0", n), new([]cart)},
		{"empty structs", MsgPack, list32("\x80", n), new([]*cart)},
		{"typed maps", MsgPack, list32("\x81\x01\x02", n), new([]map[int]int)},
		{"big integers", MsgPack, list32("\xd5\x49\x00\x01", n), new(any)},
		{"empty objects", JSON, textList("{}", n), new(any)},
		{"objects of one", JSON, textList(`{"":1}`, n), new(any)},
		{"empty texts", JSON, textList(`""`, n), new(any)},
		{"escaped texts", JSON, textList(`"\n"`, n), new(any)},
		{"big numbers", JSON, textList("99999999999999999999", n), new(any)},
	} {
		got := allocated(func() { tt.c.Unmarshal(tt.raw, tt.into) })
		t.Logf("%-22s %5.1f bytes per byte", tt.name, float64(got)/float64(len(tt.raw)))
		if limit := 300 * len(tt.raw); got > uint64(limit) {
			t.Errorf("%s: %d bytes for %d, want at most %d", tt.name, got, len(tt.raw), limit)
		}
	}
}

func TestMemoryIsLimited(t *testing.T) {
	for name, into := range map[string]any{
		"a gigabyte": new([][1 << 10]byte),
		// Which an int of 32 bits takes for nothing.
		"four gigabytes": new([][1 << 12]byte),
	} {
		var err error
		got := allocated(func() { err = MsgPack.Unmarshal(list32("\xc0", 1<<20), into) })
		if !errors.Is(err, ErrLimit) || got > 2*MaxSize {
			t.Errorf("%s: got %d bytes and error %v, want ErrLimit before they are taken", name, got, err)
		}
	}
}

func TestSplitMemoryIsBounded(t *testing.T) {
	text, _ := JSON.Join(nil, slices.Repeat([]Field{{Key: []byte(`"\n"`), Raw: []byte("1")}}, MaxFields))
	many := make(map[string]int)
	for i := range 50_000 {
		many[strings.Repeat("x", i%5)+string(rune('a'+i%26))+string(rune(0x4e00+i%20000))] = i
	}
	packed, _ := MsgPack.Marshal(nil, many)
	for c, data := range map[Codec][]byte{JSON: text, MsgPack: packed} {
		got := allocated(func() { c.Split(nil, data) })
		if got > 64*uint64(len(data)) {
			t.Errorf("%s: %d bytes for %d", c.Name(), got, len(data))
		}
	}
}

// A header that claims millions of fields, for which there would be bytes: no
// room is made before they are seen.
func TestSplitMakesNoRoomForWhatIsClaimed(t *testing.T) {
	data := append([]byte{0xdf, 0, 0x40, 0, 0}, make([]byte, 8<<20)...)
	data[5] = 0xc1
	var err error
	if got := allocated(func() { _, err = MsgPack.Split(nil, data) }); !errors.Is(err, ErrMalformed) || got > 1<<20 {
		t.Errorf("got %d bytes and error %v, want ErrMalformed before they are taken", got, err)
	}
}
