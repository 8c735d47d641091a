package flask

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	minLifetime = time.Second
	maxLifetime = 36500 * 24 * time.Hour // cachelib's files end in 2106, Python's dates in 9999
)

// toDuration takes seconds as Flask does, and, since neither JSON nor TOML has
// a timedelta, text in any of the ways in which one is written: Go's 744h, str(timedelta)
// as in "31 days, 0:00:00", and ISO 8601 as in P31D.
func toDuration(v any) (time.Duration, error) {
	switch d := v.(type) {
	case time.Duration:
		return d, checkLifetime(d)
	case string:
		d = strings.TrimSpace(d)
		for _, read := range []func(string) (float64, bool){goSeconds, pythonSeconds, isoSeconds} {
			if n, ok := read(d); ok {
				return secondsToDuration(n)
			}
		}
		if _, err := strconv.ParseFloat(d, 64); err == nil {
			return 0, problemf("is a number in quotes: write seconds without, or a duration such as \"12h\"")
		}
		return 0, problemf("is text that is no duration, as \"12h\", \"31 days, 0:00:00\" and \"P31D\" are")
	case bool:
		return 0, wrong(v, "seconds")
	}
	n, err := toNumber(v)
	if err != nil {
		return 0, wrong(v, "seconds or a duration")
	}
	return secondsToDuration(n)
}

// secondsToDuration keeps microseconds, as timedelta does.
func secondsToDuration(n float64) (time.Duration, error) {
	if math.IsNaN(n) || math.Abs(n) > maxLifetime.Seconds() {
		n = math.Copysign(2*maxLifetime.Seconds(), n) // an error whatever it is
	}
	d := time.Duration(math.RoundToEven(n*1e6)) * time.Microsecond
	return d, checkLifetime(d)
}

func checkLifetime(d time.Duration) error {
	switch {
	case d < minLifetime:
		return problemf("must be a second or more: Flask's backends differ in what less means, from an error to for ever")
	case d > maxLifetime:
		return problemf("must be 36500 days or less")
	}
	return nil
}

func goSeconds(s string) (float64, bool) {
	if s == "0" {
		return 0, false // the one number that Go takes without a unit
	}
	d, err := time.ParseDuration(s)
	return d.Seconds(), err == nil
}

var (
	pythonDuration = regexp.MustCompile(`^(?:(-?\d{1,9}) days?(?:, |$))?(?:(\d{1,2}):([0-5]\d):([0-5]\d(?:\.\d{1,6})?))?$`)
	isoDuration    = regexp.MustCompile(`^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$`)
)

func pythonSeconds(s string) (float64, bool) {
	m := pythonDuration.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, false
	}
	return sum(m[1:], 86400, 3600, 60, 1), true
}

// isoSeconds reads ISO 8601 without years and months, which have no fixed
// length.
func isoSeconds(s string) (float64, bool) {
	m := isoDuration.FindStringSubmatch(s)
	if m == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return 0, false
	}
	return sum(m[1:], 7*86400, 86400, 3600, 60, 1), true
}

// sum adds up numbers of so many seconds each; the empty text is none.
func sum(numbers []string, seconds ...float64) float64 {
	total := 0.0
	for i, n := range numbers {
		f, _ := strconv.ParseFloat(n, 64)
		total += f * seconds[i]
	}
	return total
}
