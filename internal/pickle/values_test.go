package pickle

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

func tuple(items ...Value) *Tuple { return &Tuple{Items: items} }

func TestKeysAreEqualAsInPython(t *testing.T) {
	huge, _ := new(big.Int).SetString("100000000000000000000", 10)
	east := Zone{Aware: true, Offset: time.Hour}
	noon, eleven := Time{Hour: 12}, Time{Hour: 11}
	folded := noon
	folded.Fold = true
	noonEast, elevenUTC := noon, eleven
	noonEast.Zone, elevenUTC.Zone = east, Zone{Aware: true}
	day := date(2024, 2, 29)
	tests := []struct {
		name string
		a, b Value
		want bool
	}{
		{"one and True", int64(1), true, true},
		{"zero and False", 0.0, false, true},
		{"minus zero", math.Copysign(0, -1), int64(0), true},
		{"one and 1.0", int64(1), 1.0, true},
		{"one and 1.5", int64(1), 1.5, false},
		{"one and two", int64(1), int64(2), false},
		{"large float and int", 1e20, huge, true},
		{"large ints of two signs", new(big.Int).Neg(huge), huge, false},
		{"a small big.Int", big.NewInt(7), int64(7), true},
		{"float and complex", 1.5, complex(1.5, 0), true},
		{"complex numbers", complex(1, 1), complex(1, 2), false},
		{"complex zeros", complex(0, 1), complex(math.Copysign(0, -1), 1), true},
		{"NaN", math.NaN(), math.NaN(), false},
		{"NaN in a tuple", tuple(math.NaN()), tuple(math.NaN()), false},
		{"complex NaN", complex(math.NaN(), 0), complex(math.NaN(), 0), false},
		{"decimal NaN", Decimal("NaN"), Decimal("NaN"), false},
		{"decimals", Decimal("1.0"), Decimal("1.0"), true},
		{"None and False", nil, false, false},
		{"str and Markup", "a", Markup("a"), true},
		{"str and bytes", "a", []byte("a"), false},
		{"bytes", []byte("a"), []byte("a"), true},
		{"str and Decimal", "1", Decimal("1"), false},
		{"str and int", "1", int64(1), false},
		{"tuples", tuple(int64(1), "a"), tuple(true, Markup("a")), true},
		{"tuples of other lengths", tuple("a"), tuple("a", "a"), false},
		{"tuples divided otherwise", tuple("ab", "c"), tuple("a", "bc"), false},
		{"tuples nested otherwise", tuple(tuple("a"), "b"), tuple("a", tuple("b")), false},
		{"tuple and frozenset", tuple("a"), frozen([]Value{"a"}), false},
		{"frozensets in two orders", frozen([]Value{"a", "b", int64(3)}), frozen([]Value{3.0, "b", "a"}), true},
		{"frozensets", frozen([]Value{"a"}), frozen([]Value{"b"}), false},
		{"UUIDs", UUID{1}, UUID{1}, true},
		{"UUID in a tuple", tuple(UUID{1}), tuple(UUID{2}), false},
		{"date and datetime", day, DateTime{Date: day}, false},
		{"dates in tuples", tuple(day), tuple(day), true},
		{"times but for the fold", noon, folded, true},
		{"datetimes but for the fold", datetime(day, noon), datetime(day, folded), true},
		{"aware times", noonEast, elevenUTC, true},
		{"aware and naive times", eleven, elevenUTC, false},
		{"aware datetimes", datetime(day, noonEast), datetime(day, elevenUTC), true},
		{"aware and naive datetimes", datetime(day, eleven), datetime(day, elevenUTC), false},
		{"zones but for the name", east, Zone{Aware: true, Offset: time.Hour, Named: true, Name: "x"}, true},
		{"timedeltas", TimeDelta{Days: 1}, TimeDelta{Seconds: 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, s := &Dict{}, &Set{}
			for i, k := range []Value{tt.a, tt.b} {
				if err := d.Set(k, int64(i)); err != nil {
					t.Fatal(err)
				}
				if err := s.Add(k); err != nil {
					t.Fatal(err)
				}
			}
			if got := d.Len() == 1; got != tt.want {
				t.Errorf("one key: %v, want %v", got, tt.want)
			}
			if got := s.Len() == 1; got != tt.want {
				t.Errorf("one item: %v, want %v", got, tt.want)
			}
			if v, ok := d.Get(tt.a); tt.want && (!ok || v != int64(1) || !s.Has(tt.b)) {
				t.Errorf("got %v, %v", v, ok)
			}
		})
	}
}

func TestDictKeepsOrder(t *testing.T) {
	d := &Dict{}
	for i := range 100 { // more than are searched one by one
		if err := d.Set(int64(i%50), int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if d.Len() != 50 {
		t.Fatalf("got %d entries", d.Len())
	}
	i := int64(0)
	for k, v := range d.All() {
		if k != i || v != i+50 {
			t.Errorf("entry %d: %v, %v", i, k, v)
		}
		if got, ok := d.Get(float64(i)); !ok || got != i+50 {
			t.Errorf("got %v, %v", got, ok)
		}
		i++
	}
	if _, ok := d.Get(int64(50)); ok {
		t.Error("found what is not there")
	}
}

func TestKeysThatPythonCannotHash(t *testing.T) {
	for _, k := range []Value{&List{}, &Dict{}, &Set{}, ByteArray{}, tuple(&List{}), frozenOf(&Set{}), Decimal("sNaN"), struct{}{}, 1} {
		if err := (&Dict{}).Set(k, nil); !errors.Is(err, ErrValue) {
			t.Errorf("%T: %v", k, err)
		}
		if err := (&Set{}).Add(k); !errors.Is(err, ErrValue) {
			t.Errorf("%T: %v", k, err)
		}
		if _, ok := (&Dict{}).Get(k); ok || (&Set{}).Has(k) {
			t.Errorf("%T: found", k)
		}
	}
}

// frozenOf wraps an item that no frozenset takes into a tuple.
func frozenOf(v Value) Value { return tuple(tuple(v)) }

func TestAppendRefuses(t *testing.T) {
	loop := &List{}
	loop.Items = []Value{tuple(loop)}
	var deep Value
	for range 257 {
		deep = &List{Items: []Value{deep}}
	}
	long := new(big.Int).Lsh(big.NewInt(1), 15000)
	tests := []struct {
		name     string
		value    Value
		protocol int
		err      error
	}{
		{"protocol 6", nil, 6, ErrValue},
		{"protocol -1", nil, -1, ErrValue},
		{"an int", 1, 4, ErrValue},
		{"a map", map[string]any{}, 4, ErrValue},
		{"a global", globalSet, 4, ErrRefused},
		{"a struct in a list", &List{Items: []Value{struct{}{}}}, 4, ErrValue},
		{"nil list", (*List)(nil), 4, ErrValue},
		{"nil tuple", (*Tuple)(nil), 4, ErrValue},
		{"nil dict", (*Dict)(nil), 4, ErrValue},
		{"nil set", (*Set)(nil), 4, ErrValue},
		{"nil frozenset", (*FrozenSet)(nil), 4, ErrValue},
		{"nil integer", (*big.Int)(nil), 4, ErrValue},
		{"a list that contains itself", loop, 4, ErrLimit},
		{"too deep", deep, 4, ErrLimit},
		{"too many digits", long, 0, ErrLimit},
		{"too many bytes of integer", new(big.Int).Lsh(long, 1<<20), 4, ErrLimit},
		{"too large", ByteArray(make([]byte, 16<<20)), 5, ErrLimit},
		{"text that is not UTF-8", "\xff", 4, ErrValue},
		{"Markup that is not UTF-8", Markup("\xff"), 4, ErrValue},
		{"no date", date(2023, 2, 29), 4, ErrValue},
		{"year 0", date(0, 1, 1), 4, ErrValue},
		{"no time", Time{Hour: 24}, 4, ErrValue},
		{"no datetime", DateTime{}, 4, ErrValue},
		{"no zone", Zone{}, 4, ErrValue},
		{"zone of a day", Zone{Aware: true, Offset: 24 * time.Hour}, 4, ErrValue},
		{"zone of a nanosecond", Zone{Aware: true, Offset: 1}, 4, ErrValue},
		{"name without zone", Time{Zone: Zone{Name: "x"}}, 4, ErrValue},
		{"no timedelta", TimeDelta{Seconds: -1}, 4, ErrValue},
		{"no decimal", Decimal("x"), 4, ErrValue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Append([]byte("before"), tt.value, tt.protocol)
			if !errors.Is(err, tt.err) || string(got) != "before" {
				t.Errorf("got %d bytes, %v; want %v", len(got), err, tt.err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "append: ") {
				t.Errorf("error is %v", err)
			}
		})
	}
	if _, err := Append(nil, long, 2); err != nil {
		t.Errorf("binary integer: %v", err)
	}
}

func TestSharingIsKept(t *testing.T) {
	l := &List{}
	for protocol := range HighestProtocol + 1 {
		for _, shared := range []Value{l, tuple(l), &Dict{}, &Set{}, frozen([]Value{"x"})} {
			data, err := Append(nil, tuple(shared, shared), protocol)
			if err != nil {
				t.Fatal(err)
			}
			v, err := Unmarshal(data, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if items := v.(*Tuple).Items; items[0] != items[1] {
				t.Errorf("protocol %d: a shared %T became two", protocol, shared)
			}
		}
	}
}

// TestEqualBytesAreDecodedOnce writes bytes for protocols that spell them as
// text. If the text were shared and the bytes were not, a reader would have to
// make many bytes out of one text, which it refuses beyond a limit.
func TestEqualBytesAreDecodedOnce(t *testing.T) {
	items := make([]Value, 100)
	for i := range items {
		items[i] = make([]byte, 100_000)
	}
	for protocol := range HighestProtocol + 1 {
		data, err := Append(nil, &List{Items: items[:10]}, protocol)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Unmarshal(data, Limits{}); err != nil {
			t.Errorf("protocol %d: %v", protocol, err)
		}
		if protocol < 3 {
			if data, err = Append(nil, &List{Items: items}, protocol); err != nil {
				t.Fatal(err)
			}
			if _, err := Unmarshal(data, Limits{}); err != nil {
				t.Errorf("protocol %d, many: %v", protocol, err)
			}
		}
	}
}
