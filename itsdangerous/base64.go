package itsdangerous

import (
	"encoding/base64"
	"errors"
	"strings"
)

var errBase64 = errors.New("not valid base64")

// decodeBase64 decodes base64url as Python's library does. That takes far
// more than what it writes: both alphabets, any other character skipped,
// padding or none, unused bits of any value. It is for signed text only, which
// nobody can respell without the secret.
func decodeBase64(text string) ([]byte, error) {
	// The common case. Go's decoder skips line breaks before it counts, Python
	// counts before it skips.
	if !strings.ContainsAny(text, "\r\n") {
		if data, err := base64.RawURLEncoding.DecodeString(text); err == nil {
			return data, nil
		}
	}
	return decodeLenient(text)
}

// decodeLenient is decodeBase64 for text that is not clean. Python first pads
// the raw text to a multiple of four characters, then drops the strange ones;
// so it is the strange ones' number that decides whether the padding fits.
func decodeLenient(text string) ([]byte, error) {
	out := make([]byte, 0, len(text)/4*3+3)
	var bits uint32
	var digits, pads int // since the last complete group of four
	for i := range len(text) + (4-len(text)%4)%4 {
		c := byte('=')
		if i < len(text) {
			c = text[i]
		}
		if c == '=' {
			// Padding that is due ends the text, whatever follows. Padding that
			// is not due is skipped like any strange character.
			if digits >= 2 {
				if pads++; digits+pads >= 4 {
					return out, nil
				}
			}
			continue
		}
		v := decodeDigit(c)
		if v < 0 {
			continue
		}
		pads = 0
		bits = bits<<6 | uint32(v)
		if digits++; digits > 1 {
			out = append(out, byte(bits>>(2*(4-digits))))
		}
		digits %= 4
	}
	if digits != 0 {
		return nil, errBase64
	}
	return out, nil
}

// decodeDigit returns the value of a digit of either alphabet, or -1.
func decodeDigit(c byte) int {
	switch c {
	case '+':
		c = '-'
	case '/':
		c = '_'
	}
	return strings.IndexByte(alphabet, c)
}
