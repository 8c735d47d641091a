package taggedjson

import (
	"testing"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// A record of a usual size, as a Flask application with logins writes it.
var usual = []byte(`{"_flashes":[{" t":["message","Hello"]}],"_fresh":true,"_id":"abababababababababababababababababababababababababababababababab",` +
	`"_permanent":true,"_user_id":"17","cart":[{"price":"9.99","qty":2,"sku":"A-1"},{"price":"1.50","qty":1,"sku":"B-2"}],"csrf_token":"c0ffee","n":3}`)

var flashes = []any{pyvalue.Tuple{"message", "Hello"}, pyvalue.Tuple{"error", "Bad \u2713"}}

func BenchmarkSplit(b *testing.B) {
	b.SetBytes(int64(len(usual)))
	b.ReportAllocs()
	var fields []codec.Field
	for b.Loop() {
		var err error
		if fields, err = Codec.Split(fields[:0], usual); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	fields, err := Codec.Split(nil, usual)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		if out, err = Codec.Join(out[:0], fields); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		var err error
		if out, err = Codec.Marshal(out[:0], flashes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	raw, err := Codec.Marshal(nil, flashes)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("any", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := Codec.Unmarshal(raw, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("typed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v [][2]string
			if err := Codec.Unmarshal(raw, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("string", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := codec.String(Codec, []byte(`"17"`)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestAllocs(t *testing.T) {
	fields, err := Codec.Split(nil, usual)
	if err != nil {
		t.Fatal(err)
	}
	text, number := []byte(`"Bad \u2713"`), []byte("42")
	var out []byte
	var s string
	var n int
	for _, tt := range []struct {
		name string
		most float64
		do   func() error
	}{
		{"splitting a usual record", 0, func() error { fields, err = Codec.Split(fields[:0], usual); return err }},
		{"joining it", 1, func() error { out, err = Codec.Join(out[:0], fields); return err }},
		{"writing a string", 0, func() error { out, err = Codec.Marshal(out[:0], "Bad \u2713"); return err }},
		{"reading a string with an escape", 2, func() error { return Codec.Unmarshal(text, &s) }},
		{"reading an integer", 0, func() error { return Codec.Unmarshal(number, &n) }},
	} {
		if got := testing.AllocsPerRun(100, func() { err = tt.do() }); err != nil || got > tt.most {
			t.Errorf("%s: %v allocations and error %v, want at most %v", tt.name, got, err, tt.most)
		}
	}
}
