package pickle

import (
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

// text reads the string that op carries.
func (r *reader) text(op byte) (Value, error) {
	switch op {
	case opUnicode:
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		return decodeRawUnicode(line)
	case opString:
		line, err := r.line()
		if err != nil {
			return nil, err
		}
		return decodeString(line)
	}
	b, err := r.counted(op)
	if err != nil {
		return nil, err
	}
	s := string(b)
	if op == opBinString || op == opShortBinString {
		return s, checkASCII(s)
	}
	if !pyvalue.ValidText(s) {
		return nil, malformed("text is not UTF-8")
	}
	return s, nil
}

// checkASCII refuses Python 2 strings that Python 3 would not decode either,
// because nothing says in which encoding they are.
func checkASCII(s string) error {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return malformed("Python 2 string is not ASCII")
		}
	}
	return nil
}

// decodeRawUnicode decodes Python's raw-unicode-escape: Latin-1 in which \uXXXX and
// \UXXXXXXXX stand for characters, and every other backslash for itself.
func decodeRawUnicode(line []byte) (Value, error) {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		c := line[i]
		if c != '\\' || i+1 == len(line) {
			out = pyvalue.AppendRune(out, rune(c))
			i++
			continue
		}
		width := 0
		switch line[i+1] {
		case 'u':
			width = 4
		case 'U':
			width = 8
		default:
			// The second character is not the beginning of an escape, even if
			// it is a backslash.
			out = pyvalue.AppendRune(append(out, '\\'), rune(line[i+1]))
			i += 2
			continue
		}
		r, ok := hexNumber(line[i+2:], width)
		if !ok || r > utf8.MaxRune {
			return nil, malformed("bad escape in text")
		}
		out = pyvalue.AppendRune(out, rune(r))
		i += 2 + width
	}
	return string(out), nil
}

// decodeString decodes a quoted Python 2 string.
func decodeString(line []byte) (Value, error) {
	n := len(line)
	if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
		return nil, malformed("string is not quoted")
	}
	line = line[1 : n-1]
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			out = append(out, line[i])
			continue
		}
		c, size, ok := escape(line[i+1:])
		if !ok {
			return nil, malformed("bad escape in string")
		}
		if size == 0 { // no escape: the backslash stands for itself
			c = '\\'
		}
		out = append(out, c)
		i += size
	}
	return string(out), checkASCII(string(out))
}

// simpleEscapes maps the character behind a backslash to what both stand for.
var simpleEscapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"',
	'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// escape decodes what follows a backslash, and returns how many bytes of it
// belong to the escape; 0 if it is none.
func escape(s []byte) (c byte, size int, ok bool) {
	if len(s) == 0 {
		return 0, 0, false
	}
	if c, ok := simpleEscapes[s[0]]; ok {
		return c, 1, true
	}
	if s[0] == 'x' {
		n, ok := hexNumber(s[1:], 2)
		return byte(n), 3, ok
	}
	for size < 3 && size < len(s) && s[size] >= '0' && s[size] <= '7' {
		c = c<<3 | s[size]&7
		size++
	}
	return c, size, true
}

// hexNumber parses exactly width hexadecimal digits.
func hexNumber(s []byte, width int) (uint32, bool) {
	if len(s) < width {
		return 0, false
	}
	var n uint32
	for _, c := range s[:width] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint32(c)
	}
	return n, true
}
