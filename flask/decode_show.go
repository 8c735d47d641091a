package flask

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// showFields returns the fields as one JSON object, and what of them could not
// be read.
func showFields(c codec.Codec, fields []codec.Field) (text []byte, unread []string) {
	text = []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			text = append(text, ',')
		}
		name := showName(c, &f)
		text = append(append(text, name...), ':')
		value, err := showValue(c, f.Raw)
		if err != nil {
			unread = append(unread, string(name)+": "+err.Error())
			value = append(appendText([]byte(`{"$unread":`), err.Error()), '}')
		}
		text = append(text, value...)
	}
	return indent(append(text, '}')), unread
}

func showName(c codec.Codec, f *codec.Field) []byte {
	if f.Name != nil {
		return (&shower{key: true}).text(nil, string(f.Name))
	}
	if r, err := readerOf(c, f.Key); err == nil {
		if name, err := wire.TranslateKey(nil, &shower{key: true}, r); err == nil {
			return name
		}
	}
	return appendText(nil, "$?") // it cannot be read
}

func showValue(c codec.Codec, raw []byte) ([]byte, error) {
	r, err := readerOf(c, raw)
	if err != nil {
		return nil, err
	}
	return wire.Translate(nil, &shower{}, r)
}

// maxIndented is the size from which on JSON is shown in one line: a few bytes
// in the depth would become many.
const maxIndented = 1 << 20

func indent(text []byte) []byte {
	size, depth := 0, 0
	for _, c := range text {
		switch c { // also in strings: it is an upper bound, near enough
		case '{', '[':
			depth++
		case '}', ']':
			depth = max(depth-1, 0)
		case ',':
		default:
			continue
		}
		size += 2 * (depth + 1)
	}
	var out bytes.Buffer
	if len(text)+size > maxIndented || json.Indent(&out, text, "", "  ") != nil {
		return text
	}
	return out.Bytes()
}

// A shower writes JSON for people, in the forms that Inspect describes. Unlike
// other writers it has a state: it knows where it is.
type shower struct {
	jsontext.Writer
	maps []bool // whether each open container is a map
	key  bool   // whether the next text is a key
}

var _ wire.PythonWriter = (*shower)(nil)

// JSON implements [wire.Writer]: no methods of Go types are asked.
func (*shower) JSON() bool { return false }

// String implements [wire.Writer].
func (w *shower) String(dst []byte, v string) ([]byte, error) {
	switch {
	case pyvalue.ValidText(v):
		return w.text(dst, v), nil
	case w.key:
		return w.text(dst, jsontext.Spell(v)), nil
	}
	return w.Bytes(dst, []byte(v))
}

func (w *shower) text(dst []byte, v string) []byte {
	if w.key && len(v) > 0 && v[0] == '$' {
		v = "$" + v
	}
	w.key = false
	return appendText(dst, v)
}

// Key implements [wire.Writer].
func (w *shower) Key(dst, encoded []byte) ([]byte, error) {
	w.key = false
	return appendText(dst, "$"+string(encoded)), nil
}

// open notes that a container begins, and close that it ends.
func (w *shower) open(isMap bool) {
	w.maps = append(w.maps, isMap)
	w.key = false
}

func (w *shower) close() { w.maps = w.maps[:max(len(w.maps)-1, 0)] }

// List implements [wire.Writer].
func (w *shower) List(dst []byte, _ int) []byte {
	w.open(false)
	return append(dst, '[')
}

// EndList implements [wire.Writer].
func (w *shower) EndList(dst []byte) []byte {
	w.close()
	return append(dst, ']')
}

// Map implements [wire.Writer].
func (w *shower) Map(dst []byte, _ int) []byte {
	w.open(true)
	return append(dst, '{')
}

// EndMap implements [wire.Writer].
func (w *shower) EndMap(dst []byte) []byte {
	w.close()
	return append(dst, '}')
}

// Next implements [wire.Writer].
func (w *shower) Next(dst []byte, i int) []byte {
	w.key = len(w.maps) > 0 && w.maps[len(w.maps)-1]
	return w.Writer.Next(dst, i)
}

// Value implements [wire.Writer].
func (w *shower) Value(dst []byte) []byte {
	w.key = false
	return append(dst, ':')
}

var sequenceTags = map[wire.Sequence]string{wire.Tuple: "$tuple", wire.Set: "$set", wire.FrozenSet: "$frozenset"}

// Sequence implements [wire.PythonWriter].
func (w *shower) Sequence(dst []byte, s wire.Sequence, n int) []byte {
	return w.List(append(appendText(append(dst, '{'), sequenceTags[s]), ':'), n)
}

// EndSequence implements [wire.PythonWriter].
func (w *shower) EndSequence(dst []byte, _ wire.Sequence) ([]byte, error) {
	return append(w.EndList(dst), '}'), nil
}

// tag appends an object with one name.
func tag(dst []byte, name, text string) []byte {
	dst = append(appendText(append(dst, '{'), name), ':')
	return append(appendText(dst, text), '}')
}

// Float implements [wire.Writer].
func (w *shower) Float(dst []byte, v float64) ([]byte, error) {
	switch {
	case math.IsNaN(v):
		return tag(dst, "$float", "NaN"), nil
	case math.IsInf(v, 1):
		return tag(dst, "$float", "Infinity"), nil
	case math.IsInf(v, -1):
		return tag(dst, "$float", "-Infinity"), nil
	}
	return w.Writer.Float(dst, v)
}

// Bytes implements [wire.Writer].
func (*shower) Bytes(dst, v []byte) ([]byte, error) {
	return tag(dst, "$bytes", base64.StdEncoding.EncodeToString(v)), nil
}

// Time implements [wire.Writer].
func (*shower) Time(dst []byte, v time.Time) ([]byte, error) {
	text, err := wire.AppendTime(nil, v)
	return tag(dst, "$datetime", string(text)), err
}

// Big implements [wire.Writer].
func (*shower) Big(dst []byte, v *big.Int) ([]byte, error) { return v.Append(dst, 10), nil }

// Ext implements [wire.Writer].
func (*shower) Ext(dst []byte, v wire.Ext) ([]byte, error) {
	return fmt.Appendf(dst, `{"$ext":[%d,"%s"]}`, v.Code, base64.StdEncoding.EncodeToString(v.Data)), nil
}

// Python implements [wire.PythonWriter].
func (w *shower) Python(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case Markup:
		return tag(dst, "$markup", string(v)), nil
	case UUID:
		return tag(dst, "$uuid", v.String()), nil
	case Decimal:
		return tag(dst, "$decimal", string(v)), nil
	case ByteArray:
		return tag(dst, "$bytearray", base64.StdEncoding.EncodeToString(v)), nil
	case Zone:
		return tag(dst, "$timezone", zoneText(v)), nil
	case complex128:
		dst = append(dst, `{"$complex":[`...)
		dst, _ = w.Float(dst, real(v))
		dst, err := w.Float(append(dst, ','), imag(v))
		return append(dst, "]}"...), err
	}
	m, ok := v.(encoding.TextMarshaler)
	if !ok {
		return dst, fmt.Errorf("%w: a %T", codec.ErrType, v)
	}
	text, err := m.MarshalText()
	if err != nil {
		return dst, err
	}
	switch v.(type) {
	case Date:
		return tag(dst, "$date", string(text)), nil
	case TimeOfDay:
		return tag(dst, "$time", string(text)), nil
	case DateTime:
		return tag(dst, "$datetime", string(text)), nil
	}
	return tag(dst, "$timedelta", string(text)), nil
}

func zoneText(z Zone) string {
	noon := TimeOfDay{Zone: z}
	text, err := noon.MarshalText()
	if err != nil {
		return "?"
	}
	offset := string(text[len("00:00:00"):])
	if z.Named {
		return offset + " " + z.Name
	}
	return offset
}

// appendText appends v, which is UTF-8 with surrogates, as a JSON string. What
// does not print is escaped, lest it does something to a terminal.
func appendText(dst []byte, v string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(v); {
		r, n := pyvalue.Surrogate(v[i:])
		if n == 0 {
			r, n = utf8.DecodeRuneInString(v[i:])
		}
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r > 0xffff && !unicode.IsPrint(r):
			r -= 0x10000
			dst = appendEscape(appendEscape(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
		case !unicode.IsPrint(r):
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, v[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	const zeros = "0000"
	hex := strconv.FormatInt(int64(r), 16)
	return append(append(append(dst, '\\', 'u'), zeros[:4-len(hex)]...), hex...)
}
