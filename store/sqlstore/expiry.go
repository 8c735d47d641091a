package sqlstore

import (
	"fmt"
	"time"
)

// An expiry is a moment in UTC, rounded up to what the column holds. It goes
// to PostgreSQL as a time.Time, whose zone all drivers keep, and to the others
// as text, since their drivers would bring in time zones of their own.

// textLayout is the text of a moment, and what SQLAlchemy writes to SQLite.
const textLayout = "2006-01-02 15:04:05.000000"

// flaskNever stands for never in FlaskSQLAlchemy, to which NULL is an expiry
// that has passed. It is a moment that Python can read and MySQL can hold.
var flaskNever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// The expiries that a column may hold. What is earlier is past, what is later
// is never.
var (
	earliest = time.Unix(0, 0).UTC()
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// A clock turns expiries into values of the column and back.
type clock struct {
	step  time.Duration // what the column counts in
	text  bool
	flask bool // FlaskSQLAlchemy
}

func clockOf(d Dialect, l Layout) clock {
	c := clock{step: time.Microsecond, text: d != PostgreSQL, flask: l == FlaskSQLAlchemy}
	if d == MySQL && l == FlaskSQLAlchemy {
		c.step = time.Second
	}
	return c
}

// round returns t as the column will hold it, never earlier.
func (c clock) round(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	up := t.UTC().Truncate(c.step)
	if up.Before(t) {
		up = up.Add(c.step)
	}
	if up.After(latest) {
		return time.Time{}
	}
	if up.Before(earliest) {
		return earliest
	}
	return up
}

// value is the argument for an expiry that round has returned.
func (c clock) value(t time.Time) any {
	if t.IsZero() {
		if !c.flask {
			return nil
		}
		t = flaskNever
	}
	if c.text {
		return t.Format(textLayout)
	}
	return t
}

// scan is where an expiry is read into.
type scan struct {
	clock clock
	at    time.Time
}

// Scan implements sql.Scanner.
func (s *scan) Scan(src any) error {
	var err error
	s.at = time.Time{}
	switch v := src.(type) {
	case nil:
		return nil
	case time.Time:
		s.at = v.UTC()
	case string:
		s.at, err = time.Parse(time.DateTime, v) // takes a fraction too
	case []byte:
		s.at, err = time.Parse(time.DateTime, string(v))
	default:
		err = fmt.Errorf("an expiry is a %T", src)
	}
	if s.clock.flask && s.at.Equal(flaskNever) {
		s.at = time.Time{}
	}
	return err
}
