package taggedjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// lone says what becomes of half a surrogate pair.
type lone bool

const (
	// replace makes U+FFFD of it.
	replace lone = false
	// keep makes the three bytes of it that UTF-8 would use if it allowed them.
	// The bytes sort as Python sorts the characters.
	keep lone = true
)

// unquote returns the text of a string with its quotes, which the scanner has
// accepted. The text is part of quoted if no escapes are in it.
func unquote(quoted []byte, mode lone) []byte {
	b := quoted[1 : len(quoted)-1 : len(quoted)-1]
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		return b
	}
	text := make([]byte, 0, len(b))
	for ; i >= 0 && i+1 < len(b); i = bytes.IndexByte(b, '\\') {
		text = append(text, b[:i]...)
		r, n := unescape(b[i:])
		if mode == keep && utf16.IsSurrogate(r) {
			text = pyvalue.AppendRune(text, r)
		} else {
			text = utf8.AppendRune(text, r)
		}
		b = b[i+n:]
	}
	return append(text, b...)
}

// unescape returns the character of the escape at the beginning of b, and its
// length, which is that of two escapes for a surrogate pair.
func unescape(b []byte) (r rune, n int) {
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(b[1]), 2
	}
	if len(b) < 6 {
		return utf8.RuneError, len(b)
	}
	r = hex4(b[2:6])
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' && utf16.IsSurrogate(r) {
		if pair := utf16.DecodeRune(r, hex4(b[8:12])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6
}

// hex4 returns the value of four hexadecimal digits.
func hex4(b []byte) (r rune) {
	for _, c := range b {
		if c > '9' {
			c = c&0x0f + 9
		}
		r = r<<4 | rune(c&0x0f)
	}
	return r
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends text as a string, with all but printable ASCII escaped.
// Text is UTF-8, in which surrogates may occur.
func appendQuoted(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		n := 0
		for n < len(text) && text[n] >= ' ' && text[n] <= '~' && text[n] != '"' && text[n] != '\\' {
			n++
		}
		if dst, text = append(dst, text[:n]...), text[n:]; len(text) == 0 {
			break
		}
		var r rune
		if r, n = pyvalue.Surrogate(text); n == 0 {
			r, n = utf8.DecodeRuneInString(text)
		}
		dst, text = appendEscaped(dst, r), text[n:]
	}
	return append(dst, '"')
}

func appendEscaped(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendEscaped(appendEscaped(dst, high), low)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// surrogateSuffix returns the length of the surrogate at the end of b, or 0.
func surrogateSuffix(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	_, n := pyvalue.Surrogate(string(b[len(b)-3:]))
	return n
}

// validName reports whether b is UTF-8 without surrogates.
func validName(b []byte) bool { return utf8.Valid(b) }
