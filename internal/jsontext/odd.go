package jsontext

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// JSON has no string that is not UTF-8, and what a visitor typed may be one. It
// is written as a data URL (RFC 2397) of the charset that RFC 1428 has for text
// that nobody knows the charset of, and read back as it was. A string that
// would be taken for such a URL is written as one, too.
const oddPrefix = "data:;charset=unknown-8bit;base64,"

// Spell returns how v is spelled in JSON: as it is, or as a data URL.
func Spell(v string) string {
	if utf8.ValidString(v) {
		if len(v) < len(oddPrefix) || v[:len(oddPrefix)] != oddPrefix {
			return v
		}
		if _, odd := unspelled([]byte(v)); !odd {
			return v
		}
	}
	return oddPrefix + base64.StdEncoding.EncodeToString([]byte(v))
}

// Unspell returns the string that is spelled text.
func Unspell(text []byte) []byte {
	if v, odd := unspelled(text); odd {
		return v
	}
	return text
}

// unspelled returns what the data URL text holds; odd is false for text that
// Spell has not made.
func unspelled(text []byte) (v []byte, odd bool) {
	if !bytes.HasPrefix(text, []byte(oddPrefix)) {
		return nil, false
	}
	v, err := base64.StdEncoding.Strict().AppendDecode(nil, text[len(oddPrefix):])
	if err != nil || bytes.ContainsAny(text[len(oddPrefix):], "\r\n") {
		return nil, false // base64 would skip line breaks
	}
	if utf8.Valid(v) {
		if _, odd := unspelled(v); !odd {
			return nil, false
		}
	}
	return v, true
}
