package pickle

import "github.com/cloakroom/cloakroom/internal/pyvalue"

// makeTime makes a date, time or datetime from the bytes that Python keeps them
// in: the year in two, the fraction of a second in three, all else in one each;
// for the latter two a zone may follow.
func (r *reader) makeTime(g global, args []Value) (Value, error) {
	if len(args) == 0 || len(args) > 2 || len(args) == 2 && g == globalDate {
		return nil, badArguments(g)
	}
	state, ok := timeState(args[0])
	if !ok {
		return nil, badArguments(g)
	}
	var zone Zone
	if len(args) == 2 && args[1] != nil {
		if zone, ok = args[1].(Zone); !ok {
			return nil, badArguments(g)
		}
		if err := r.budget.hash(len(zone.Name)); err != nil {
			return nil, err
		}
	}
	if v, ok := timeFrom(g, state, zone); ok {
		return v, nil
	}
	return nil, badArguments(g)
}

func timeFrom(g global, state []byte, zone Zone) (Value, bool) {
	var d DateTime
	switch {
	case g == globalDate && len(state) == 4:
		d.Date = dateFromState(state)
		return d.Date, d.Date.Valid()
	case g == globalTime && len(state) == 6:
		d.Time = timeFromState(state, zone)
		d.Fold, d.Hour = d.Hour >= foldBit, d.Hour&^foldBit
		return d.Time, d.Time.Valid()
	case g == globalDateTime && len(state) == 10:
		d.Date, d.Time = dateFromState(state[:4]), timeFromState(state[4:], zone)
		d.Fold, d.Month = d.Month >= foldBit, d.Month&^foldBit
		return d, d.Valid()
	}
	return nil, false
}

// foldBit marks a fold, in the first byte that has a bit to spare: the hour of a
// time and the month of a datetime. Only protocols from 4 on have it.
const foldBit = 0x80

// timeState returns the bytes of a state, which is a str in what Python 2 wrote.
func timeState(v Value) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, len(v) <= 10
	case string:
		if len(v) > 20 {
			return nil, false
		}
		return latin1(v)
	}
	return nil, false
}

func dateFromState(b []byte) Date {
	return Date{Year: int(b[0])<<8 | int(b[1]), Month: int(b[2]), Day: int(b[3])}
}

func timeFromState(b []byte, zone Zone) Time {
	return Time{
		Hour: int(b[0]), Minute: int(b[1]), Second: int(b[2]),
		Microsecond: int(b[3])<<16 | int(b[4])<<8 | int(b[5]),
		Zone:        zone,
	}
}

func appendDate(b []byte, d Date) []byte {
	return append(b, byte(d.Year>>8), byte(d.Year), byte(d.Month), byte(d.Day))
}

func appendTime(b []byte, t Time) []byte {
	us := t.Microsecond
	return append(b, byte(t.Hour), byte(t.Minute), byte(t.Second), byte(us>>16), byte(us>>8), byte(us))
}

func makeTimeDelta(args []Value) (Value, error) {
	if len(args) == 3 {
		days, ok1 := args[0].(int64)
		seconds, ok2 := args[1].(int64)
		us, ok3 := args[2].(int64)
		if ok1 && ok2 && ok3 {
			if t, ok := pyvalue.Normalized(days, seconds, us); ok {
				return t, nil
			}
		}
	}
	return nil, badArguments(globalTimeDelta)
}

// makeZone makes a zone from its offset and perhaps its name.
func (r *reader) makeZone(args []Value) (Value, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, badArguments(globalTimeZone)
	}
	delta, ok := args[0].(TimeDelta)
	if !ok {
		return nil, badArguments(globalTimeZone)
	}
	z := Zone{Aware: true}
	if z.Offset, ok = delta.Duration(); !ok {
		return nil, badArguments(globalTimeZone)
	}
	if len(args) == 2 {
		if z.Name, ok = args[1].(string); !ok {
			return nil, badArguments(globalTimeZone)
		}
		z.Named = true
	}
	if err := r.budget.hash(len(z.Name)); err != nil {
		return nil, err
	}
	if !z.Valid() {
		return nil, badArguments(globalTimeZone)
	}
	return z, nil
}
