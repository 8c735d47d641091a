package codec

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
)

func TestConvert(t *testing.T) {
	for _, tt := range []struct{ name, msgpack, json string }{
		{"nil", "c0", "null"},
		{"booleans", "92c2c3", "[false,true]"},
		{"order of keys", "83a17a01a16102a16d82a17903a16204", `{"z":1,"a":2,"m":{"y":3,"b":4}}`},
		{"nested lists", "93909190929190c0", "[[],[[]],[[[]],null]]"},
		{"largest uint64", "cfffffffffffffffff", "18446744073709551615"},
		{"integer beyond 64 bits", "c70a4901010000000000000000", "-18446744073709551616"},
		{"float that is whole", "cb3ff0000000000000", "1.0"},
		{"float", "cb3fb999999999999a", "0.1"},
		{"minus zero", "cb8000000000000000", "-0.0"},
		{"text", "a661c3bc0a2f22", `"aü\n/\""`},
		{"many elements", "dc0010" + "00000000000000000000000000000000", "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			packed, _ := hex.DecodeString(tt.msgpack)
			if got, err := Convert([]byte("before"), JSON, MsgPack, packed); err != nil || string(got) != "before"+tt.json {
				t.Errorf("to JSON: got %s and error %v, want %s", got, err, tt.json)
			}
			if got, err := Convert([]byte("before"), MsgPack, JSON, []byte(tt.json)); err != nil || string(got) != "before"+string(packed) {
				t.Errorf("to msgpack: got %x and error %v, want %x", got, err, packed)
			}
		})
	}
}

func TestConvertKeepsTheBytesOfItsOwnCodec(t *testing.T) {
	enc{"d30000000000000005", ` { "a" : [ ] } `}.each(t, func(c Codec, raw []byte) {
		if got, err := Convert(nil, c, c, raw); err != nil || string(got) != string(raw) {
			t.Errorf("%s: got %q and error %v, want %q", c.Name(), got, err, raw)
		}
	})
}

func TestConvertFromOtherSpellings(t *testing.T) {
	got, err := Convert(nil, MsgPack, JSON, []byte(" { \"\\u0061,[\" : [ 1 , { } ,\t[ ] , \"]\" ] } "))
	if want := "\x81\xa3a,[\x94\x01\x80\x90\xa1]"; err != nil || string(got) != want {
		t.Errorf("got %q and error %v, want %q", got, err, want)
	}
}

func TestConvertRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		to, from Codec
		raw      string
		want     error
	}{
		{"bytes", JSON, MsgPack, "\xc4\x01a", ErrType},
		{"time", JSON, MsgPack, "\xd6\xff\x65\xe0\x79\xf0", ErrType},
		{"extension", JSON, MsgPack, "\xd4\x05\x01", ErrType},
		{"infinity", JSON, MsgPack, "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", ErrType},
		{"NaN", JSON, MsgPack, "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", ErrType},
		{"key that is a number", JSON, MsgPack, "\x81\x01\x02", ErrType},
		{"bytes in a list", JSON, MsgPack, "\x92\x01\xc4\x00", ErrType},
		{"text that is not UTF-8", JSON, MsgPack, "\xa1\xff", ErrMalformed},
		{"cut off", JSON, MsgPack, "\x92\x01", ErrMalformed},
		{"cut off text", MsgPack, JSON, "[1", ErrMalformed},
		{"lone surrogate", MsgPack, JSON, `"\ud800"`, ErrMalformed},
		{"number beyond floats", MsgPack, JSON, `1e999`, ErrLimit},
		{"cut off in the same codec", JSON, JSON, "[1", ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Convert([]byte("before"), tt.to, tt.from, []byte(tt.raw))
			if !errors.Is(err, tt.want) || string(got) != "before" {
				t.Errorf("got %q and error %v, want %v and dst as it was", got, err, tt.want)
			}
		})
	}
}

// foreign is a codec that this package does not know.
type foreign struct{ Codec }

func TestConvertForeignCodecs(t *testing.T) {
	packed, _ := MsgPack.Marshal(nil, map[string]any{"a": []any{1, "x"}})
	for _, to := range []Codec{JSON, foreign{JSON}} {
		got, err := Convert(nil, to, foreign{MsgPack}, packed)
		if want := `{"a":[1,"x"]}`; err != nil || string(got) != want {
			t.Errorf("got %s and error %v, want %s", got, err, want)
		}
	}
	for name, raw := range map[string]string{
		"bytes": "\xc4\x01a", "time": "\xd6\xff\x65\xe0\x79\xf0", "key that is a number": "\x81\x01\x02",
	} {
		if got, err := Convert(nil, JSON, foreign{MsgPack}, []byte(raw)); !errors.Is(err, ErrType) {
			t.Errorf("%s: got %q and error %v, want ErrType", name, got, err)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, tt := range []struct {
		name string
		data string
		want Codec
	}{
		{"msgpack", "\x81\xa1a\x01", MsgPack},
		{"msgpack with many fields", "\xde\x00\x10", MsgPack},
		{"msgpack with very many fields", "\xdf\x00\x01\x00\x00", MsgPack},
		{"empty msgpack", "\x80", MsgPack},
		{"pickle of protocol 4", "\x80\x04\x95", nil},
		{"pickle of protocol 0", "(dp0\n", nil},
		{"pickle of protocol 1", "}q\x00.", nil},
		{"JSON", `{"a":1}`, JSON},
		{"JSON after white space", " \r\n\t{}", JSON},
		{"JSON that is no record", "[1]", nil},
		{"msgpack that is no record", "\x91\x01", nil},
		{"nothing", "", nil},
		{"white space", "  ", nil},
	} {
		if got := Detect([]byte(tt.data), MsgPack, JSON); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := Detect([]byte("{}")); got != nil {
		t.Errorf("among none: got %v, want nil", got)
	}
}
