package jsontext

import (
	"encoding/binary"
	"math/bits"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Space returns the index of the first byte from data[p] on that is not white
// space, or len(data).
func Space(data []byte, p int) int {
	for p < len(data) {
		switch data[p] {
		case ' ', '\t', '\n', '\r':
			p++
		default:
			return p
		}
	}
	return p
}

// Skip returns the index after the value that begins at data[p], which is not
// white space. It holds the value to RFC 8259, with at most depth levels of
// lists and maps, but does not check the UTF-8 of strings.
func Skip(data []byte, p, depth int) (int, error) {
	var isMap [wire.MaxDepth]bool // of the open lists and maps
	depth = min(depth, len(isMap))
	top := 0
	var err error
	for {
		if p >= len(data) {
			return 0, errTruncated
		}
		switch c := data[p]; c {
		case '"':
			p, err = SkipString(data, p)
		case '{', '[':
			if top >= depth {
				return 0, errDepth
			}
			isMap[top] = c == '{'
			top++
			p = Space(data, p+1)
			if p < len(data) && data[p] == c+2 { // '}' and ']' come two later
				break
			}
			if c == '{' {
				if p, err = skipKey(data, p); err != nil {
					return 0, err
				}
			}
			continue
		case 't':
			p, err = skipWord(data, p, "true")
		case 'f':
			p, err = skipWord(data, p, "false")
		case 'n':
			p, err = skipWord(data, p, "null")
		default:
			p, err = skipNumber(data, p)
		}
		if err != nil {
			return 0, err
		}
		// A value has ended, unless p is at the end of an empty list or map.
		more := false
		for top > 0 && !more {
			if p = Space(data, p); p >= len(data) {
				return 0, errTruncated
			}
			switch c := data[p]; {
			case c == ',':
				more = true
			case c == '}' && isMap[top-1], c == ']' && !isMap[top-1]:
				top--
			default:
				return 0, errSyntax
			}
			p++
		}
		if !more {
			return p, nil
		}
		p = Space(data, p)
		if isMap[top-1] {
			if p, err = skipKey(data, p); err != nil {
				return 0, err
			}
		}
	}
}

// skipKey skips a key, the colon and the white space around it.
func skipKey(data []byte, p int) (int, error) {
	if p >= len(data) {
		return 0, errTruncated
	}
	if data[p] != '"' {
		return 0, errSyntax
	}
	p, err := SkipString(data, p)
	if err != nil {
		return 0, err
	}
	return SkipColon(data, p)
}

// SkipColon skips a colon and the white space around it.
func SkipColon(data []byte, p int) (int, error) {
	if p = Space(data, p); p >= len(data) {
		return 0, errTruncated
	}
	if data[p] != ':' {
		return 0, errSyntax
	}
	return Space(data, p+1), nil
}

func skipWord(data []byte, p int, word string) (int, error) {
	end := p + len(word)
	if end > len(data) {
		return 0, errTruncated
	}
	if string(data[p:end]) != word {
		return 0, errSyntax
	}
	return end, nil
}

// SkipString returns the index after the string that begins with the quote at
// data[p].
func SkipString(data []byte, p int) (int, error) {
	for p++; ; {
		p += plainPrefix(data[p:])
		if p >= len(data) {
			return 0, errTruncated
		}
		switch data[p] {
		case '"':
			return p + 1, nil
		case '\\':
			n, err := escapeSize(data[p:])
			if err != nil {
				return 0, err
			}
			p += n
		default:
			return 0, errControl
		}
	}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainPrefix returns how many bytes of b come before the first quote,
// backslash or control character. It looks at eight bytes at a time: a byte
// minus 1, or minus 0x20, borrows into its high bit if it is smaller, and a
// false alarm can only come after a true one.
func plainPrefix(b []byte) int {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
		if hit != 0 {
			return n + bits.TrailingZeros64(hit)/8
		}
	}
	for ; n < len(b); n++ {
		if c := b[n]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return n
}

// escapeSize returns the length of the escape at the beginning of b.
func escapeSize(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, errTruncated
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
		if len(b) < 6 {
			return 0, errTruncated
		}
		if _, ok := hex4(b[2:6]); ok {
			return 6, nil
		}
	}
	return 0, errEscape
}

// hex4 returns the value of four hexadecimal digits.
func hex4(b []byte) (r rune, ok bool) {
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// skipNumber returns the index after the number that begins at data[p].
func skipNumber(data []byte, p int) (int, error) {
	if data[p] == '-' {
		p++
	}
	start := p
	p = digits(data, p)
	switch {
	case p == start:
		if p < len(data) {
			return 0, errSyntax
		}
		return 0, errTruncated
	case data[start] == '0' && p > start+1:
		return 0, errNumber
	}
	if p < len(data) && data[p] == '.' {
		start = p + 1
		if p = digits(data, start); p == start {
			return 0, errNumber
		}
	}
	if p < len(data) && data[p]|0x20 == 'e' {
		if p++; p < len(data) && (data[p] == '+' || data[p] == '-') {
			p++
		}
		start = p
		if p = digits(data, p); p == start {
			return 0, errNumber
		}
	}
	return p, nil
}

func digits(data []byte, p int) int {
	for p < len(data) && data[p]-'0' < 10 {
		p++
	}
	return p
}

// Check reports whether data is one whole value of at most depth levels, with
// white space around it.
func Check(data []byte, depth int) error {
	p := Space(data, 0)
	end, err := Skip(data, p, depth)
	if err != nil {
		return err
	}
	if Space(data, end) != len(data) {
		return errTrailing
	}
	return nil
}
