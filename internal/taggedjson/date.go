package taggedjson

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// httpDate is how Flask writes times.
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// firstYear is the first year that is read as it is written.
const firstYear = 100

var errYear = fmt.Errorf("%w: a time is outside the years %d to 9999", wire.ErrType, firstYear)

// appendTime appends t, which is cut off to whole seconds. The zero time must
// have been dealt with.
func appendTime(dst []byte, t time.Time) ([]byte, error) {
	t = t.UTC()
	if y := t.Year(); y < firstYear || y > 9999 {
		return dst, errYear
	}
	dst = append(dst, `{" d":"`...)
	return append(t.AppendFormat(dst, httpDate), `"}`...), nil
}

// appendDate appends a date as Flask writes it: as the text of its midnight,
// which a reader takes for a string.
func appendDate(dst []byte, d pyvalue.Date) ([]byte, error) {
	if !d.Valid() || d.Year < firstYear {
		return dst, errYear
	}
	midnight := pyvalue.DateTime{Date: d}.When()
	return append(midnight.AppendFormat(append(dst, '"'), httpDate), '"'), nil
}

// parseDate reads a time as Python's email.utils does: forgivingly, in the
// forms of RFC 5322, RFC 850 and C's asctime, the weekday unread. What it cannot
// read is no error in Flask, but None.
func parseDate(text []byte) (time.Time, bool) {
	words := strings.Fields(string(text))
	if len(words) == 0 || len(text) > 256 {
		return time.Time{}, false
	}
	if words = withoutWeekday(words); len(words) == 3 {
		if parts := strings.Split(words[0], "-"); len(parts) == 3 { // 02-Jan-24
			words = append(parts, words[1:]...)
		}
	}
	if len(words) == 4 {
		clock, zone := words[3], ""
		if i := strings.IndexByte(clock, '+'); i > 0 {
			clock, zone = clock[:i], clock[i:]
		} else if j := strings.IndexByte(clock, '-'); i < 0 && j > 0 {
			clock, zone = clock[:j], clock[j:]
		}
		words = append(words[:3:3], clock, zone)
	}
	if len(words) < 5 {
		return time.Time{}, false
	}
	return dateOf(words[0], words[1], words[2], words[3], words[4])
}

func withoutWeekday(words []string) []string {
	first := words[0]
	if strings.HasSuffix(first, ",") || indexName(weekdays, first) >= 0 {
		return words[1:]
	}
	if i := strings.LastIndexByte(first, ','); i >= 0 { // Tue,02
		words[0] = first[i+1:]
	}
	return words
}

var (
	weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	months   = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	fullName = []string{"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december"}
	zones = map[string]int{"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "AST": -4, "ADT": -3, "EST": -5,
		"EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
)

func indexName(names []string, s string) int {
	s = strings.ToLower(s)
	for i, name := range names {
		if s == name {
			return i
		}
	}
	return -1
}

// monthOf returns the month with a name, or 0.
func monthOf(s string) int {
	if i := indexName(months, s); i >= 0 {
		return i + 1
	}
	return indexName(fullName, s) + 1
}

// dateOf puts the parts of a date together. Some come in more than one order.
func dateOf(day, month, year, clock, zone string) (none time.Time, ok bool) {
	if day == "" || month == "" || year == "" {
		return none, false
	}
	if monthOf(month) == 0 {
		day, month = month, day
	}
	if strings.IndexByte(year, ':') > 0 {
		year, clock = clock, year
	}
	if year = strings.TrimSuffix(year, ","); year == "" {
		return none, false
	}
	if !unicode.IsDigit(rune(year[0])) {
		year, zone = zone, year
	}
	m := monthOf(month)
	d, ok1 := number(strings.TrimSuffix(day, ","))
	y, ok2 := number(year)
	h, min, s, ok3 := clockOf(strings.TrimSuffix(clock, ","))
	if m == 0 || !ok1 || !ok2 || !ok3 || h < 0 || h > 23 || min < 0 || min > 59 || s < 0 || s > 59 {
		return none, false
	}
	switch {
	case y <= 68:
		y += 2000
	case y < firstYear:
		y += 1900
	}
	offset, ok := zoneOf(zone)
	t := time.Date(y, time.Month(m), d, h, min, s, 0, time.UTC)
	if !ok || y < 1 || y > 9999 || t.Day() != d {
		return none, false
	}
	return t.Add(-offset), true
}

// clockOf reads h:m, h:m:s, or the same with points.
func clockOf(s string) (hour, minute, second int, ok bool) {
	parts := strings.Split(s, ":")
	if len(parts) == 1 {
		parts = strings.Split(s, ".")
	}
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	hour, ok1 := number(parts[0])
	minute, ok2 := number(parts[1])
	second, ok3 := number(parts[2])
	return hour, minute, second, ok1 && ok2 && ok3
}

// zoneOf returns the offset of a time zone. One that is unknown counts as UTC;
// one of a day or more does not exist.
func zoneOf(s string) (time.Duration, bool) {
	if hours, ok := zones[strings.ToUpper(s)]; ok {
		return time.Duration(hours) * time.Hour, true
	}
	n, ok := number(s)
	if !ok {
		return 0, true
	}
	sign := time.Duration(1)
	if n < 0 {
		sign, n = -1, -n
	}
	offset := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
	return sign * offset, offset < 24*time.Hour
}

// number reads a number as Python's int does: perhaps with a sign, and with
// single underscores between digits.
func number(s string) (int, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s) > 9 || strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return 0, false
	}
	n, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
	return n, err == nil
}

// parseTime reads a time from a plain string.
func parseTime(text []byte) (time.Time, error) {
	if bytes.HasSuffix(text, []byte(" GMT")) {
		if t, ok := parseDate(text); ok {
			return t, nil
		}
	}
	return wire.ParseTime(text)
}
