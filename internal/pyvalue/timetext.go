package pyvalue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	errDate     = errors.New("pyvalue: not a date in ISO 8601")
	errTime     = errors.New("pyvalue: not a time of day in ISO 8601")
	errDateTime = errors.New("pyvalue: not a datetime in ISO 8601")
	errDelta    = errors.New("pyvalue: not a duration in ISO 8601")
)

// MarshalText implements [encoding.TextMarshaler]: 2024-02-29.
func (d Date) MarshalText() ([]byte, error) {
	if !d.Valid() {
		return nil, errDate
	}
	return d.append(nil), nil
}

func (d Date) append(b []byte) []byte {
	return fmt.Appendf(b, "%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// UnmarshalText implements [encoding.TextUnmarshaler]. If there is an error, d
// stays as it is.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil || t.Year() < 1 {
		return errDate
	}
	*d = Clock(t).Date
	return nil
}

// MarshalText implements [encoding.TextMarshaler]: 12:34:56.000789, and the
// zone if there is one. A fold and the name of the zone are left out, and an
// offset is cut off to seconds.
func (t Time) MarshalText() ([]byte, error) {
	if !t.Valid() {
		return nil, errTime
	}
	return t.append(nil), nil
}

func (t Time) append(b []byte) []byte {
	b = fmt.Appendf(b, "%02d:%02d:%02d", t.Hour, t.Minute, t.Second)
	if t.Microsecond != 0 {
		b = fmt.Appendf(b, ".%06d", t.Microsecond)
	}
	if !t.Zone.Aware {
		return b
	}
	sec, sign := int(t.Zone.Offset/time.Second), byte('+')
	if sec == 0 {
		return append(b, 'Z')
	}
	if sec < 0 {
		sec, sign = -sec, '-'
	}
	b = fmt.Appendf(b, "%c%02d:%02d", sign, sec/3600, sec/60%60)
	if sec%60 != 0 {
		b = fmt.Appendf(b, ":%02d", sec%60)
	}
	return b
}

// UnmarshalText implements [encoding.TextUnmarshaler]. If there is an error, t
// stays as it is.
func (t *Time) UnmarshalText(text []byte) error {
	d, ok := parseClock(string(text), "15:04:05", "15:04")
	if ok {
		*t = d.Time
		return nil
	}
	return errTime
}

// MarshalText implements [encoding.TextMarshaler]: 2024-02-29T12:34:56.789012,
// and the zone if there is one, with the limits of [Time.MarshalText].
func (d DateTime) MarshalText() ([]byte, error) {
	if !d.Valid() {
		return nil, errDateTime
	}
	return d.Time.append(append(d.Date.append(nil), 'T')), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. If there is an error, d
// stays as it is.
func (d *DateTime) UnmarshalText(text []byte) error {
	v, ok := parseClock(string(text), "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02")
	if ok && v.Valid() {
		*d = v
		return nil
	}
	return errDateTime
}

// parseClock reads a time in one of the layouts, with or without a zone. Go
// accepts a fraction of a second in any of them.
func parseClock(s string, layouts ...string) (DateTime, bool) {
	const longest = len("2006-01-02T15:04:05.123456789+00:00:00")
	if len(s) > longest {
		return DateTime{}, false
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return Clock(t), true
		}
		for _, zone := range []string{"Z07:00", "Z07:00:00"} {
			if t, err := time.Parse(layout+zone, s); err == nil {
				return At(t), true
			}
		}
	}
	return DateTime{}, false
}

// MarshalText implements [encoding.TextMarshaler]: P1DT7203.000004S, with a
// minus before all of it if it is negative.
func (t TimeDelta) MarshalText() ([]byte, error) {
	if !t.Valid() {
		return nil, errDelta
	}
	days, sec, us := int64(t.Days), int64(t.Seconds), int64(t.Microseconds)
	b := []byte("P")
	if days < 0 { // -1 day and 86399 seconds is minus one second
		b = []byte("-P")
		borrow, rest := floorDiv(-us, 1e6)
		us = rest
		var dayBorrow int64
		dayBorrow, sec = floorDiv(borrow-sec, 86400)
		days = dayBorrow - days
	}
	if days != 0 {
		b = append(strconv.AppendInt(b, days, 10), 'D')
	}
	switch {
	case us != 0:
		b = fmt.Appendf(b, "T%d.%s", sec, strings.TrimRight(fmt.Sprintf("%06d", us), "0"))
		b = append(b, 'S')
	case sec != 0:
		b = fmt.Appendf(b, "T%dS", sec)
	case days == 0:
		b = append(b, "0D"...)
	}
	return b, nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. It reads weeks, days,
// hours, minutes and seconds; a year or month has no fixed length. If there is
// an error, t stays as it is.
func (t *TimeDelta) UnmarshalText(text []byte) error {
	v, ok := parseDelta(string(text))
	if !ok {
		return errDelta
	}
	*t = v
	return nil
}

func parseDelta(s string) (none TimeDelta, ok bool) {
	sign := int64(1)
	if strings.HasPrefix(s, "-") {
		sign, s = -1, s[1:]
	}
	if len(s) > 40 || !strings.HasPrefix(s, "P") {
		return none, false
	}
	date, clock, timed := strings.Cut(s[1:], "T")
	days, _, ok1 := parseUnits(date, map[byte]int64{'W': 7, 'D': 1})
	seconds, us, ok2 := parseUnits(clock, map[byte]int64{'H': 3600, 'M': 60, 'S': 1})
	if !ok1 || !ok2 || date == "" && clock == "" || timed && clock == "" {
		return none, false
	}
	return Normalized(sign*days, sign*seconds, sign*us)
}

// parseUnits sums up numbers with the unit behind each; only the unit of 1 in
// a time may have a fraction.
func parseUnits(s string, units map[byte]int64) (sum, micros int64, ok bool) {
	for s != "" {
		n, rest := digits(s)
		if n == 0 || n > 15 {
			return 0, 0, false
		}
		v, err := strconv.ParseInt(s[:n], 10, 64)
		if err != nil || rest == "" {
			return 0, 0, false
		}
		if rest[0] == '.' {
			f, after := digits(rest[1:])
			if f == 0 || f > 6 || after != "S" {
				return 0, 0, false
			}
			micros, _ = strconv.ParseInt((rest[1:1+f] + "000000")[:6], 10, 64)
			rest = after
		}
		unit, known := units[rest[0]]
		if !known {
			return 0, 0, false
		}
		delete(units, rest[0]) // each once
		sum += v * unit
		s = rest[1:]
	}
	return sum, micros, true
}
