package jsontext

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote returns the text of a string with its quotes, which SkipString has
// accepted. The text is part of quoted if no escapes are in it.
func Unquote(quoted []byte) ([]byte, error) {
	if len(quoted) < 2 {
		return nil, errTruncated
	}
	b := quoted[1 : len(quoted)-1 : len(quoted)-1]
	if !utf8.Valid(b) {
		return nil, errUTF8
	}
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		return b, nil
	}
	text := make([]byte, 0, len(b))
	for ; i >= 0; i = bytes.IndexByte(b, '\\') {
		text = append(text, b[:i]...)
		r, n, err := unescape(b[i:])
		if err != nil {
			return nil, err
		}
		text = utf8.AppendRune(text, r)
		b = b[i+n:]
	}
	return append(text, b...), nil
}

// unescape returns the character of the escape at the beginning of b, and its
// length, which is that of two escapes for a surrogate pair.
func unescape(b []byte) (rune, int, error) {
	n, err := escapeSize(b)
	if err != nil {
		return 0, 0, err
	}
	switch c := b[1]; c {
	case 'b':
		return '\b', n, nil
	case 'f':
		return '\f', n, nil
	case 'n':
		return '\n', n, nil
	case 'r':
		return '\r', n, nil
	case 't':
		return '\t', n, nil
	case 'u':
	default:
		return rune(c), n, nil
	}
	r, _ := hex4(b[2:6])
	if !utf16.IsSurrogate(r) {
		return r, n, nil
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if low, ok := hex4(b[8:12]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12, nil
			}
		}
	}
	// A Go string cannot hold it, and a replacement would be another text.
	return 0, 0, errSurrogate
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text as a string. Only what RFC 8259 demands is escaped.
func AppendQuoted[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, text[done:]...), '"')
}
