package wire

import (
	"fmt"
	"time"
)

// The forms of ISO 8601 that Python's isoformat and msgspec write. Go accepts
// a fraction of a second in any of them. A time without zone counts as UTC.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
}

// ParseTime reads a time as text.
func ParseTime(b []byte) (time.Time, error) {
	const longest = len("2006-01-02T15:04:05.123456789+00:00")
	if len(b) <= longest {
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, string(b)); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%w: a string is not a time in ISO 8601", ErrType)
}

// maxOffset is the first offset in seconds that RFC 3339 has no text for.
const maxOffset = 24 * 60 * 60

// AppendTime appends t as text, as msgspec writes it: microseconds if there are
// any, here nanoseconds where those do not suffice.
func AppendTime(dst []byte, t time.Time) ([]byte, error) {
	if y := t.Year(); y < 1 || y > 9999 {
		return dst, fmt.Errorf("%w: a time is outside the years 1 to 9999", ErrType)
	}
	// Some zones had seconds before 1970, and none is a day away.
	if _, offset := t.Zone(); offset%60 != 0 || offset <= -maxOffset || offset >= maxOffset {
		t = t.UTC()
		if y := t.Year(); y < 1 || y > 9999 {
			return dst, fmt.Errorf("%w: a time is outside the years 1 to 9999", ErrType)
		}
	}
	layout := "2006-01-02T15:04:05Z07:00"
	switch ns := t.Nanosecond(); {
	case ns%1000 != 0:
		layout = "2006-01-02T15:04:05.000000000Z07:00"
	case ns != 0:
		layout = "2006-01-02T15:04:05.000000Z07:00"
	}
	return t.AppendFormat(dst, layout), nil
}
