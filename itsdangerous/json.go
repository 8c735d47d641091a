package itsdangerous

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonCodec is encoding/json in the spelling of Python's json module: compact
// and in UTF-8, or, if spaced, with a space after each comma and colon and in
// ASCII.
type jsonCodec struct{ spaced bool }

var errUTF8 = errors.New("not valid UTF-8")

func (c jsonCodec) Unmarshal(data []byte, v any) error {
	// encoding/json would put U+FFFD where the text is broken.
	if !utf8.Valid(data) {
		return errUTF8
	}
	return json.Unmarshal(data, v)
}

func (c jsonCodec) Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	data := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if !c.spaced && !bytes.Contains(data, []byte(`\u202`)) {
		return data, nil
	}
	return c.respell(data), nil
}

// respell turns valid compact JSON into Python's spelling of it.
func (c jsonCodec) respell(data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/4)
	quoted := false
	for i := 0; i < len(data); {
		b := data[i]
		switch {
		case quoted && b == '\\':
			n := 2
			if s := unescape(data[i:]); s != "" && !c.spaced {
				out = append(out, s...)
				n = len(`\u2028`)
			} else {
				out = append(out, data[i:i+n]...)
			}
			i += n
			continue
		case b == '"':
			quoted = !quoted
		case quoted && c.spaced && b >= 0x7f:
			r, n := utf8.DecodeRune(data[i:])
			out = appendEscaped(out, r)
			i += n
			continue
		}
		out = append(out, b)
		if c.spaced && !quoted && (b == ',' || b == ':') {
			out = append(out, ' ')
		}
		i++
	}
	return out
}

// unescape returns the character at the beginning of data if it is one of the
// two that encoding/json always escapes and Python does not.
func unescape(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte(`\u2028`)):
		return "\u2028"
	case bytes.HasPrefix(data, []byte(`\u2029`)):
		return "\u2029"
	}
	return ""
}

// appendEscaped appends r as \uXXXX, or as two of them.
func appendEscaped(out []byte, r rune) []byte {
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		return appendEscaped(appendEscaped(out, hi), lo)
	}
	const hex = "0123456789abcdef"
	return append(out, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
