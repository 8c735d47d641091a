package codec

import (
	"errors"
	"testing"
)

func TestScalars(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON, foreign{MsgPack}} {
		raw := func(v any) []byte {
			b, err := c.Marshal(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if got, err := String(c, raw("ä\n")); got != "ä\n" || err != nil {
			t.Errorf("%s: String: got %q and error %v", c.Name(), got, err)
		}
		if got, err := Int64(c, raw(-300)); got != -300 || err != nil {
			t.Errorf("%s: Int64: got %d and error %v", c.Name(), got, err)
		}
		if got, err := Bool(c, raw(true)); !got || err != nil {
			t.Errorf("%s: Bool: got %v and error %v", c.Name(), got, err)
		}
		if got, err := Value[int](c, raw(5)); got != 5 || err != nil {
			t.Errorf("%s: Value[int]: got %v and error %v", c.Name(), got, err)
		}
		if got, err := Value[uint8](c, raw(5)); got != 5 || err != nil {
			t.Errorf("%s: Value[uint8]: got %v and error %v", c.Name(), got, err)
		}
		if got, err := Value[[]string](c, raw([]string{"a"})); len(got) != 1 || err != nil {
			t.Errorf("%s: Value[[]string]: got %v and error %v", c.Name(), got, err)
		}
		if got, err := String(c, raw(nil)); got != "" || err != nil {
			t.Errorf("%s: String of nil: got %q and error %v", c.Name(), got, err)
		}
		for _, v := range []any{1.0, []int{1}, map[string]int{}, uint64(1 << 63)} {
			for name, read := range map[string]func([]byte) error{
				"String":        func(raw []byte) error { _, err := String(c, raw); return err },
				"Int64":         func(raw []byte) error { _, err := Int64(c, raw); return err },
				"Bool":          func(raw []byte) error { _, err := Bool(c, raw); return err },
				"Value[string]": func(raw []byte) error { _, err := Value[string](c, raw); return err },
				"Value[int]":    func(raw []byte) error { _, err := Value[int](c, raw); return err },
			} {
				if err := read(raw(v)); !errors.Is(err, ErrType) {
					t.Errorf("%s: %s of %T: got error %v, want ErrType", c.Name(), name, v, err)
				}
			}
		}
	}
	for _, tt := range []struct {
		c   Codec
		raw string
	}{
		{MsgPack, ""}, {MsgPack, "\xa2a"}, {MsgPack, "\xa1a\x00"}, {MsgPack, "\xa1\xff"}, {MsgPack, "\xc1"},
		{JSON, ""}, {JSON, `"a`}, {JSON, `"a" 1`}, {JSON, "\"\xff\""}, {JSON, "nul"},
	} {
		if _, err := String(tt.c, []byte(tt.raw)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: String of %q: got error %v, want ErrMalformed", tt.c.Name(), tt.raw, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	for _, c := range []Codec{MsgPack, JSON} {
		raw := func(v any) []byte {
			b, err := c.Marshal(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		text, number, yes := raw("a string which is not tiny"), raw(int64(1)<<40), raw(true)
		raw300 := raw(300)
		record := raw(map[string]any{"a": 1, "b": "text", "c": []any{map[string]any{"d": 1.5}}, "e": true})
		fields := make([]Field, 0, 8)
		buf := make([]byte, 0, 1<<10)
		values := []any{"a string which is not tiny", 300, int64(-5), true, []byte("bytes"), 1.5, nil}
		for _, tt := range []struct {
			name string
			want float64
			do   func()
		}{
			{"String", 1, func() { String(c, text) }},
			{"Int64", 0, func() { Int64(c, number) }},
			{"Bool", 0, func() { Bool(c, yes) }},
			{"Value[string]", 1, func() { Value[string](c, text) }},
			{"Value[int64]", 0, func() { Value[int64](c, number) }},
			{"Value[int]", 0, func() { Value[int](c, raw300) }},
			{"Value[bool]", 0, func() { Value[bool](c, yes) }},
			{"Split", 0, func() { fields, _ = c.Split(fields[:0], record) }},
			{"Join", 0, func() { buf, _ = c.Join(buf[:0], fields) }},
			{"Marshal", 0, func() {
				for _, v := range values {
					buf, _ = c.Marshal(buf[:0], v)
				}
			}},
			{"Match", 0, func() { c.Match(record) }},
		} {
			if got := testing.AllocsPerRun(100, tt.do); got != tt.want {
				t.Errorf("%s: %s: got %v allocations, want %v", c.Name(), tt.name, got, tt.want)
			}
		}
	}
}
