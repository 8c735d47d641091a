package pyvalue

import "errors"

// A Decimal is a Python decimal.Decimal, kept as its text: computing with
// something like 1E+999999999 would be an attack.
type Decimal string

// Valid reports whether d is the text of a decimal.Decimal as Python's str
// gives it: digits with a point and an exponent, Infinity, NaN or sNaN.
func (d Decimal) Valid() bool {
	s := string(d)
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	switch {
	case s == "Infinity":
		return true
	case len(s) >= 3 && s[:3] == "NaN":
		_, rest := digits(s[3:])
		return rest == ""
	case len(s) >= 4 && s[:4] == "sNaN":
		_, rest := digits(s[4:])
		return rest == ""
	}
	n, s := digits(s)
	if s != "" && s[0] == '.' {
		var frac int
		frac, s = digits(s[1:])
		n += frac
	}
	if n == 0 {
		return false
	}
	if s == "" {
		return true
	}
	if s[0] != 'E' && s[0] != 'e' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	n, s = digits(s)
	return n > 0 && s == ""
}

// NaN reports whether d is a quiet or a signaling NaN.
func (d Decimal) NaN() (quiet, signaling bool) {
	for i := range d {
		switch d[i] {
		case 'N':
			return true, false
		case 's':
			return false, true
		}
	}
	return false, false
}

// digits returns the number of ASCII digits at the beginning of s, and the rest.
func digits(s string) (int, string) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n, s[n:]
}

var errDecimal = errors.New("pyvalue: not a decimal number")

// MarshalText implements [encoding.TextMarshaler].
func (d Decimal) MarshalText() ([]byte, error) {
	if !d.Valid() {
		return nil, errDecimal
	}
	return []byte(d), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. If there is an error, d
// stays as it is.
func (d *Decimal) UnmarshalText(text []byte) error {
	if v := Decimal(text); v.Valid() {
		*d = v
		return nil
	}
	return errDecimal
}
