package taggedjson

import (
	"bytes"
	"unicode/utf8"
)

// A tag is one of Flask's tags.
type tag uint8

const (
	none tag = iota
	tagTuple
	tagBytes
	tagMarkup
	tagUUID
	tagTime
	tagDict
)

// tagNamed returns the tag with a name, or none.
func tagNamed[T string | []byte](name T) tag {
	switch string(name) {
	case " t":
		return tagTuple
	case " b":
		return tagBytes
	case " m":
		return tagMarkup
	case " u":
		return tagUUID
	case " d":
		return tagTime
	case " di":
		return tagDict
	}
	return none
}

// longestTag is the length of the longest tag with quotes, each character
// spelled as an escape.
const longestTag = len(`"\u0020\u0064\u0069"`)

// tagQuoted returns the tag that a string with its quotes spells, or none.
func tagQuoted(quoted []byte) tag {
	if len(quoted) < len(`" t"`) || len(quoted) > longestTag {
		return none
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return tagNamed(quoted[1 : len(quoted)-1])
	}
	return tagNamed(unquote(quoted, keep))
}

// A dictionary whose only key is a tag is written with suffix behind the key,
// inside another dictionary whose only key is tagDict.
const suffix = "__"

// appendEscape appends what comes before the value of a dictionary whose only
// key is a tag. Two braces come after it.
func appendEscape(dst []byte, key string) []byte {
	dst = append(dst, `{" di":{`...)
	return append(appendQuoted(dst, key+suffix), ':')
}

// unescaped returns the key without its suffix. Flask does not look at what the
// last two characters are.
func unescaped(key []byte) []byte {
	for range len(suffix) {
		if n := surrogateSuffix(key); n > 0 {
			key = key[:len(key)-n]
			continue
		}
		_, n := utf8.DecodeLastRune(key)
		key = key[:len(key)-n]
	}
	return key
}
