package flask

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// loneSurrogate stands for JSON text with half of a surrogate pair, which
// Python takes and cannot encode later.
type loneSurrogate struct{}

var errNotUTF8 = errors.New("not UTF-8")

// parseJSON reads text as Python's json.loads does. Numbers are json.Number,
// or float64 for the three that JSON does not have.
func parseJSON(text string) (any, error) {
	switch strings.Trim(text, " \t\r\n") {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	if hasLoneSurrogate(text) {
		return loneSurrogate{}, nil
	}
	return v, nil
}

// loadJSON reads a file of JSON.
func loadJSON(data []byte) (map[string]any, error) {
	if err := json.Unmarshal(data, new(any)); err != nil {
		return nil, err // a Decoder would not tell the offset at the end
	}
	v, err := parseJSON(string(data))
	if errors.Is(err, errNotUTF8) {
		return nil, problemf("it is not UTF-8")
	}
	if err != nil {
		return nil, err
	}
	if v == any(loneSurrogate{}) {
		return nil, problemf("half of a surrogate pair is in it")
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, problemf("it is %s, not a table of keys and values", kindOf(v))
	}
	return m, nil
}

// hasLoneSurrogate looks for \uD800 to \uDFFF without its other half in valid
// JSON, where backslashes stand in strings only. encoding/json would put
// U+FFFD there.
func hasLoneSurrogate(text string) bool {
	for i := strings.IndexByte(text, '\\'); i >= 0 && i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++ // what is escaped
		switch unit := escapedUnit(text, i-1); {
		case unit >= 0xD800 && unit < 0xDC00:
			if low := escapedUnit(text, i+5); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		case unit >= 0xDC00 && unit < 0xE000:
			return true
		}
	}
	return false
}

// escapedUnit returns the number in \uXXXX at text[i], or -1.
func escapedUnit(text string, i int) int64 {
	if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
		return -1
	}
	n, err := strconv.ParseInt(text[i+2:i+6], 16, 32)
	if err != nil {
		return -1
	}
	return n
}
