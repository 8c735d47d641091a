package pyvalue

import (
	"encoding"
	"reflect"
	"testing"
	"time"
)

// TestTexts compares with what Python's msgspec writes, and reads it back.
func TestTexts(t *testing.T) {
	clock := Time{Hour: 12, Minute: 34, Second: 56, Microsecond: 789}
	day := Date{2024, 2, 29}
	east := clock
	east.Zone = Zone{Aware: true, Offset: 19800 * time.Second}
	utc := Time{Hour: 1, Minute: 2, Second: 3, Zone: Zone{Aware: true}}
	old := utc
	old.Zone.Offset = -(3*time.Hour + 30*time.Minute + 52*time.Second)
	for _, tt := range []struct {
		name  string
		value encoding.TextMarshaler
		want  string
	}{
		{"date", day, "2024-02-29"},
		{"date of the year 1", Date{1, 1, 1}, "0001-01-01"},
		{"time", clock, "12:34:56.000789"},
		{"time without a fraction", Time{Hour: 1}, "01:00:00"},
		{"time in UTC", utc, "01:02:03Z"},
		{"time in India", east, "12:34:56.000789+05:30"},
		{"time with an offset in seconds", old, "01:02:03-03:30:52"},
		{"naive datetime", DateTime{day, clock}, "2024-02-29T12:34:56.000789"},
		{"aware datetime", DateTime{day, east}, "2024-02-29T12:34:56.000789+05:30"},
		{"timedelta", TimeDelta{1, 7203, 4}, "P1DT7203.000004S"},
		{"negative timedelta", TimeDelta{-1, 86399, 0}, "-PT1S"},
		{"timedelta of minus a microsecond", TimeDelta{-1, 86399, 999999}, "-PT0.000001S"},
		{"timedelta of minus days", TimeDelta{Days: -2}, "-P2D"},
		{"timedelta of minus a bit more than a day", TimeDelta{-2, 86399, 500000}, "-P1DT0.5S"},
		{"empty timedelta", TimeDelta{}, "P0D"},
		{"long timedelta", TimeDelta{400, 0, 500000}, "P400DT0.5S"},
		{"longest timedelta", TimeDelta{MaxDays, 86399, 999999}, "P999999999DT86399.999999S"},
		{"decimal", Decimal("-1.5E+10"), "-1.5E+10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.value.MarshalText()
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q and error %v, want %q", got, err, tt.want)
			}
			back := reflect.New(reflect.TypeOf(tt.value))
			if err := back.Interface().(encoding.TextUnmarshaler).UnmarshalText(got); err != nil || back.Elem().Interface() != any(tt.value) {
				t.Errorf("read back: got %v and error %v, want %v", back.Elem(), err, tt.value)
			}
		})
	}
}

func TestTextsThatAreRead(t *testing.T) {
	for _, tt := range []struct {
		text string
		dst  encoding.TextUnmarshaler
		want any
	}{
		{"P1W", new(TimeDelta), TimeDelta{Days: 7}},
		{"PT1H1M1.25S", new(TimeDelta), TimeDelta{0, 3661, 250000}},
		{"P1DT36H", new(TimeDelta), TimeDelta{2, 43200, 0}},
		{"12:34", new(Time), Time{Hour: 12, Minute: 34}},
		{"2024-02-29 12:34:56", new(DateTime), DateTime{Date{2024, 2, 29}, Time{Hour: 12, Minute: 34, Second: 56}}},
	} {
		if err := tt.dst.UnmarshalText([]byte(tt.text)); err != nil || reflect.ValueOf(tt.dst).Elem().Interface() != tt.want {
			t.Errorf("%s: got %v and error %v, want %v", tt.text, tt.dst, err, tt.want)
		}
	}
}

func TestTextsThatAreNone(t *testing.T) {
	for _, tt := range []struct {
		texts []string
		dst   encoding.TextUnmarshaler
	}{
		{[]string{"", "2024-02-30", "2024-2-29", "0000-01-01", "2024-02-29T00:00:00"}, &Date{2000, 1, 1}},
		{[]string{"", "24:00:00", "12", "12:34:56+25:00", "2024-02-29"}, &Time{Hour: 1}},
		{[]string{"", "12:34:56", "2024-02-29T24:00:00", "0000-01-01T00:00:00"}, &DateTime{Date: Date{2000, 1, 1}}},
		{[]string{"", "P", "-", "PT", "P1DT", "P1", "1D", "P1Y", "P1M", "PT1D", "P1D1D", "PT1.S", "PT1.1234567S", "PT1.5M",
			"P1.5D", "P-1D", "P1000000000D", "P9999999999999999D", "PT1S "}, &TimeDelta{Days: 1}},
		{[]string{"", "x"}, func() *Decimal { d := Decimal("1"); return &d }()},
	} {
		before := reflect.ValueOf(tt.dst).Elem().Interface()
		for _, text := range tt.texts {
			if err := tt.dst.UnmarshalText([]byte(text)); err == nil || reflect.ValueOf(tt.dst).Elem().Interface() != before {
				t.Errorf("%q: got %v and error %v", text, tt.dst, err)
			}
		}
	}
}

func TestValuesThatPythonCannotHold(t *testing.T) {
	for _, v := range []encoding.TextMarshaler{
		Date{}, Date{2023, 2, 29}, Time{Hour: 24}, Time{Zone: Zone{Name: "x"}}, DateTime{}, TimeDelta{Seconds: -1},
		TimeDelta{Days: MaxDays + 1}, Decimal("x"), Decimal(""),
	} {
		if text, err := v.MarshalText(); err == nil {
			t.Errorf("%#v is written as %s", v, text)
		}
	}
}

func TestValidText(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "é": true, "\xed\xa0\x80": true, "a\xed\xbf\xbfb": true,
		"\xff": false, "\xed\xa0": false, "\xc0\x80": false, "\xf4\x90\x80\x80": false,
	} {
		if got := ValidText(s); got != want {
			t.Errorf("%q: got %v", s, got)
		}
	}
}
