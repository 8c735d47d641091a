package pyvalue

import "time"

// A Date is a Python datetime.date.
type Date struct {
	Year       int // 1 to 9999
	Month, Day int // 1 to 12, 1 to 31
}

// Valid reports whether the calendar has the date and Python can hold it.
func (d Date) Valid() bool {
	if d.Year < 1 || d.Year > 9999 || d.Month < 1 || d.Month > 12 || d.Day < 1 {
		return false
	}
	// Day 0 of the next month is the last day of this one.
	return d.Day <= time.Date(d.Year, time.Month(d.Month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// A Time is a Python datetime.time: a time of day.
type Time struct {
	Hour, Minute, Second, Microsecond int
	// Fold is set for the second of two times that a clock shows when it is
	// turned back.
	Fold bool
	// Zone is the zero Zone if the time is naive.
	Zone Zone
}

// Valid reports whether each field is in its range.
func (t Time) Valid() bool {
	in := func(v, end int) bool { return v >= 0 && v < end }
	return in(t.Hour, 24) && in(t.Minute, 60) && in(t.Second, 60) && in(t.Microsecond, 1e6) &&
		(t.Zone == Zone{} || t.Zone.Valid())
}

// A DateTime is a Python datetime.datetime. A naive one, whose Zone is the zero
// Zone, is what datetime.now() and datetime.utcnow() return: it is not said
// where the clock stood. An aware one is a [time.Time] in most of a Go program.
type DateTime struct {
	Date
	Time
}

// Valid reports whether both halves are valid.
func (d DateTime) Valid() bool { return d.Date.Valid() && d.Time.Valid() }

// At returns the DateTime of t, with microseconds and the offset of t's zone.
func At(t time.Time) DateTime {
	_, offset := t.Zone()
	d := Clock(t)
	d.Zone = Zone{Aware: true, Offset: time.Duration(offset) * time.Second}
	return d
}

// Clock returns the naive DateTime of what a clock in t's zone shows at t.
func Clock(t time.Time) DateTime {
	return DateTime{
		Date: Date{t.Year(), int(t.Month()), t.Day()},
		Time: Time{
			Hour: t.Hour(), Minute: t.Minute(), Second: t.Second(),
			Microsecond: t.Nanosecond() / 1000,
		},
	}
}

// When returns the moment that d names. A naive d is taken to be in UTC; see
// d.Zone.Aware. A zone's fraction of a second, which Go's zones do not have,
// is taken off the time.
func (d DateTime) When() time.Time {
	loc := time.UTC
	whole := d.Zone.Offset.Truncate(time.Second)
	if whole != 0 {
		loc = time.FixedZone(d.Zone.Name, int(whole/time.Second))
	}
	t := time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, d.Microsecond*1000, loc)
	return t.Add(whole - d.Zone.Offset)
}

// A Zone is a Python datetime.timezone: a fixed offset from UTC that may have
// a name. The zero Zone stands for the lack of one.
type Zone struct {
	Aware  bool          // whether there is a zone at all
	Named  bool          // whether Name counts
	Name   string        // may be empty even if Named
	Offset time.Duration // east of UTC, whole microseconds, less than a day
}

// Valid reports whether Python can hold the zone.
func (z Zone) Valid() bool {
	const day = 24 * time.Hour
	return z.Aware && z.Offset > -day && z.Offset < day && z.Offset%time.Microsecond == 0 &&
		(z.Named || z.Name == "") && ValidText(z.Name)
}

// A TimeDelta is a Python datetime.timedelta in the form that Python keeps:
// only Days may be negative.
type TimeDelta struct {
	Days         int // at most MaxDays in either direction
	Seconds      int // 0 to 86399
	Microseconds int // 0 to 999999
}

// MaxDays is the length of the longest TimeDelta.
const MaxDays = 999_999_999

// Valid reports whether each field is in its range.
func (t TimeDelta) Valid() bool {
	return t.Days >= -MaxDays && t.Days <= MaxDays && t.Seconds >= 0 && t.Seconds < 86400 &&
		t.Microseconds >= 0 && t.Microseconds < 1e6
}

// Lasting returns the TimeDelta of d, rounded down to microseconds.
func Lasting(d time.Duration) TimeDelta {
	us := d.Microseconds()
	if d%time.Microsecond < 0 {
		us--
	}
	t, _ := Normalized(0, 0, us)
	return t
}

// Duration returns t as a Duration; ok is false if it lasts longer than one can.
func (t TimeDelta) Duration() (d time.Duration, ok bool) {
	const longest = 106751 // whole days in a Duration
	if t.Days < -longest || t.Days >= longest {
		return 0, false
	}
	return time.Duration(t.Days)*24*time.Hour + time.Duration(t.Seconds)*time.Second +
		time.Duration(t.Microseconds)*time.Microsecond, true
}

// Normalized carries microseconds into seconds and seconds into days, as
// Python's constructor does; ok is false if the days are out of range.
func Normalized(days, seconds, microseconds int64) (t TimeDelta, ok bool) {
	const limit = 1 << 53 // far beyond every sum that can be in range
	for _, v := range []int64{days, seconds, microseconds} {
		if v < -limit || v > limit {
			return TimeDelta{}, false
		}
	}
	carry, us := floorDiv(microseconds, 1e6)
	dayCarry, s := floorDiv(seconds+carry, 86400)
	days += dayCarry
	t = TimeDelta{Days: int(days), Seconds: int(s), Microseconds: int(us)}
	return t, days >= -MaxDays && days <= MaxDays
}

func floorDiv(a, b int64) (quotient, remainder int64) {
	q, r := a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}
