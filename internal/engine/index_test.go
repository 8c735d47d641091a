package engine

import (
	"bytes"
	"hash/maphash"
	"reflect"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/codec"
)

func TestIndexesFindWhatSplitFound(t *testing.T) {
	long := strings.Repeat("y", indexMin)
	field := func(key string, value any) codec.Field {
		raw, err := codec.MsgPack.Marshal(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		return codec.Field{Name: []byte(key), Raw: raw}
	}
	record := func(fields ...codec.Field) []byte {
		data, err := codec.MsgPack.Join(nil, fields)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var many []codec.Field
	for i := range indexFields + 1 {
		many = append(many, field(strings.Repeat("k", i), long))
	}
	for _, tt := range []struct {
		name  string
		codec codec.Codec
		data  []byte
		known bool
	}{
		{"fields", codec.MsgPack, record(field("a", 1), field("", 2), field(strings.Repeat("n", 300), long)), true},
		{"a key that is no string", codec.MsgPack, append([]byte{0x82, 0x05, 0xa1, 'x'}, record(field("a", long))[1:]...), true},
		{"the same name twice", codec.MsgPack, append([]byte{0x82, 0xa1, 'a', 0x01}, record(field("a", long))[1:]...), true},
		{"and another between", codec.MsgPack, append([]byte{0x83, 0xa1, 'a', 0x01}, record(field("b", long), field("a", 1))[1:]...), false},
		{"too many fields", codec.MsgPack, record(many...), false},
		{"small", codec.MsgPack, record(field("a", 1)), false},
		{"JSON", codec.JSON, []byte(`{"a": 1, "b": "` + long + `"}`), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var x indexes
			seed := maphash.MakeSeed()
			want, err := tt.codec.Split(nil, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			x.note(seed, "key", 7, tt.data, tt.codec, want)
			again := bytes.Clone(tt.data) // a store may give a copy every time
			c, got := x.find(seed, "key", 7, again)
			if known := c != nil; known != tt.known || known && !reflect.DeepEqual(got, want) {
				t.Errorf("known = %v, want %v; %d fields, want %d", known, tt.known, len(got), len(want))
			}
			for _, other := range []struct {
				key   string
				token uint64
				data  []byte
			}{{"other", 7, again}, {"key", 8, again}, {"key", 0, again}, {"key", 7, again[1:]}} {
				if c, _ := x.find(seed, other.key, other.token, other.data); c != nil {
					t.Errorf("found for key %q, token %d, %d bytes", other.key, other.token, len(other.data))
				}
			}
		})
	}
}
