package jsontext

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// The forms are those of msgspec 0.21: the vectors in package codec have the
// values from -5 to 22, the others follow from the same rule.
func TestFloats(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		want string
	}{
		{0, "0.0"}, {math.Copysign(0, -1), "-0.0"}, {1, "1.0"}, {-1.5, "-1.5"}, {0.1, "0.1"}, {100, "100.0"}, {123.456, "123.456"},
		{1e15, "1000000000000000.0"}, {9007199254740993, "9007199254740992.0"}, {1e16, "1e16"}, {1.5e16, "1.5e16"}, {1e22, "1e22"},
		{0.001234, "0.001234"}, {1e-5, "0.00001"}, {1.25e-5, "0.0000125"}, {1e-6, "1e-6"}, {1.25e-6, "1.25e-6"},
		{5e-324, "5e-324"}, {math.MaxFloat64, "1.7976931348623157e308"},
	} {
		if got, err := (Writer{}).Float(nil, tt.v); err != nil || string(got) != tt.want {
			t.Errorf("got %s and error %v, want %s", got, err, tt.want)
		}
	}
	if got, err := (Writer{}).Float32(nil, 0.1); err != nil || string(got) != "0.1" {
		t.Errorf("float32: got %s and error %v, want 0.1", got, err)
	}
}

func FuzzFloat(f *testing.F) {
	for _, v := range []float64{0, 1, 0.1, 1e15, 1e16, 1e-5, 1e-6, 5e-324, math.MaxFloat64} {
		f.Add(math.Float64bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
		text, err := Writer{}.Float(nil, v)
		if err != nil || Check(text, 1) != nil || !strings.ContainsAny(string(text), ".e") {
			t.Fatalf("got %s and error %v", text, err)
		}
		if back, err := strconv.ParseFloat(string(text), 64); err != nil || math.Float64bits(back) != bits {
			t.Fatalf("%s reads as %v, want %v", text, back, v)
		}
	})
}

// FuzzCheck compares with encoding/json, which is as strict.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-0,1.5,1e5,1E+5,1e-5],"b":{"c":null,"d":[true,false]}}`, ` [ ] `, `{ }`, `[,]`, `{"a":1,}`, `01`, `1.`, `-`, `"`, `"\u12`,
		`"\ud83d\ude00"`, `"\ud83d"`, "\"\x1f\"", "\"12345678\x1f\"", `"1234567\"90"`, `"ü"`, "\"\xff\"", `nul`, `[1}`, `{"a"}`, `1 2`, "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := Check(data, wire.MaxDepth)
		if errors.Is(err, wire.ErrLimit) {
			return
		}
		if got, want := err == nil, json.Valid(data); got != want {
			t.Fatalf("%q: got %v, want %v; error %v", data, got, want, err)
		}
		if err == nil {
			checkStrings(t, data)
			if compact := appendCompact(nil, data); Check(compact, wire.MaxDepth) != nil || len(compact) > len(data) {
				t.Fatalf("%q: compacted to %q", data, compact)
			}
		}
	})
}

// checkStrings reads data, if it is a string, and writes it again.
func checkStrings(t *testing.T, data []byte) {
	var want string
	if data[0] != '"' || data[len(data)-1] != '"' || json.Unmarshal(data, &want) != nil {
		return
	}
	got, err := Unquote(data)
	if err != nil {
		// encoding/json puts U+FFFD for what is not Unicode, we refuse it.
		if !strings.ContainsRune(want, utf8.RuneError) {
			t.Fatalf("%q: got error %v, want %q", data, err, want)
		}
		return
	}
	if string(got) != want {
		t.Fatalf("%q: got %q, want %q", data, got, want)
	}
	if again, err := Unquote(AppendQuoted(nil, got)); err != nil || string(again) != want {
		t.Fatalf("%q: quoted and unquoted: got %q and error %v", data, again, err)
	}
}
