package pickle

import (
	"encoding/hex"
	"math/big"
	"unicode/utf8"
)

// A Value is one of the Go values in the table of the package comment.
type Value = any

// A List is a Python list. It is a pointer type like the other containers,
// because Python keeps apart one list in two places and two equal lists: what
// was shared when a pickle was read is shared when it is written.
type List struct{ Items []Value }

// A Tuple is a Python tuple. It must not be changed once it is a key.
type Tuple struct{ Items []Value }

// A ByteArray is a Python bytearray.
type ByteArray []byte

// A Markup is markupsafe's str subclass for text that is safe in HTML. As a
// key it is equal to the same plain string.
type Markup string

// A UUID is a Python uuid.UUID. Python's note on how the UUID was generated
// (is_safe) is not kept; it takes no part in comparisons there either.
type UUID [16]byte

// String returns the usual form with hyphens.
func (u UUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:36], u[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

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

// nan reports whether d is a quiet or signaling NaN.
func (d Decimal) nan() (quiet, signaling bool) {
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

// integer returns n as an int64 where it fits, so that every integer has one
// form only.
func integer(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// validText reports whether s is a Python str in the form that this package
// keeps it: UTF-8 in which halves of surrogate pairs may occur.
func validText(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		if _, n := surrogate(s[i:]); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return false
		}
		i += n
	}
	return true
}

// surrogate decodes a surrogate at the beginning of s; n is 0 if there is none.
func surrogate(s string) (r rune, n int) {
	if len(s) < 3 || s[0] != 0xed || s[1] < 0xa0 || s[1] > 0xbf || s[2] < 0x80 || s[2] > 0xbf {
		return 0, 0
	}
	return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
}

// appendRune appends r as UTF-8, surrogates included.
func appendRune(dst []byte, r rune) []byte {
	if r >= 0xd800 && r <= 0xdfff {
		return append(dst, 0xed, byte(r>>6&0x3f)|0x80, byte(r&0x3f)|0x80)
	}
	return utf8.AppendRune(dst, r)
}
