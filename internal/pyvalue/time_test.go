package pyvalue

import (
	"testing"
	"time"
)

func TestDecimalValid(t *testing.T) {
	for _, s := range []string{"0", "-1.10", "1.", ".5", "1E+5", "1e-5", "Infinity", "-Infinity", "NaN", "-NaN123", "sNaN", "1E999999999999999999999", "+1"} {
		if !Decimal(s).Valid() {
			t.Errorf("%q is not valid", s)
		}
	}
	for _, s := range []string{"", "-", ".", "1E", "E5", "1E+", "1 ", " 1", "1_0", "0x1", "inf", "nan", "NaNx", "sNaN-1", "--1", "1.2.3", "1\n", "١"} {
		if Decimal(s).Valid() {
			t.Errorf("%q is valid", s)
		}
	}
}

func TestTimes(t *testing.T) {
	india := time.FixedZone("", 19800)
	moment := time.Date(2024, 2, 29, 12, 34, 56, 789012345, india)
	d := At(moment)
	want := DateTime{Date{2024, 2, 29}, Time{Hour: 12, Minute: 34, Second: 56, Microsecond: 789012, Zone: Zone{Aware: true, Offset: 19800 * time.Second}}}
	if d != want {
		t.Errorf("got %v", d)
	}
	if got := d.When(); !got.Equal(moment.Truncate(time.Microsecond)) || got.Hour() != 12 {
		t.Errorf("got %v", got)
	}
	odd := Zone{Aware: true, Offset: -90*time.Minute - 5*time.Microsecond}
	got := DateTime{Date{2024, 1, 1}, Time{Zone: odd}}.When()
	if want := time.Date(2024, 1, 1, 1, 30, 0, 5000, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, s := range []string{"-1ns", "-1µs", "-1s", "0s", "26h0m0.000004s", "-100h"} {
		d, _ := time.ParseDuration(s)
		delta := Lasting(d)
		back, ok := delta.Duration()
		if !ok || !delta.Valid() || d-back < 0 || d-back >= time.Microsecond {
			t.Errorf("%s: %v, %v, %v", s, delta, back, ok)
		}
	}
	if _, ok := (TimeDelta{Days: MaxDays}).Duration(); ok {
		t.Error("a Duration of three million years")
	}
}
