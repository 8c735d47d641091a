package pyvalue

import "unicode/utf8"

// ValidText reports whether s is a Python str in the form in which Go programs
// keep one: UTF-8 in which halves of surrogate pairs may occur, each in the
// three bytes that UTF-8 would use if it allowed them (Python's
// "surrogatepass").
func ValidText(s string) bool {
	if utf8.ValidString(s) {
		return true
	}
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		if _, n := Surrogate(s[i:]); n > 0 {
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

// Surrogate decodes a surrogate at the beginning of s; n is 0 if there is none.
func Surrogate(s string) (r rune, n int) {
	if len(s) < 3 || s[0] != 0xed || s[1] < 0xa0 || s[1] > 0xbf || s[2] < 0x80 || s[2] > 0xbf {
		return 0, 0
	}
	return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
}

// AppendRune appends r as UTF-8, surrogates included.
func AppendRune(dst []byte, r rune) []byte {
	if r >= 0xd800 && r <= 0xdfff {
		return append(dst, 0xed, byte(r>>6&0x3f)|0x80, byte(r&0x3f)|0x80)
	}
	return utf8.AppendRune(dst, r)
}
