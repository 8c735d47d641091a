package taggedjson

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// A writer writes one value. Unlike those of other formats it has a state: keys
// have to be sorted, and a dictionary that a reader would take for a tag be
// wrapped, when all of it is known.
type writer struct {
	open    []container
	pairs   []pair // of the dictionaries that are open, the innermost ones last
	key     bool   // the next string is a key
	deepest int    // levels in the value, tags among them
	err     error  // what could not be said where it came up
}

var _ wire.PythonWriter = (*writer)(nil)

// A container is a list or dictionary that is being written.
type container struct {
	start   int // of its bracket
	isMap   bool
	pairs   int // where its pairs begin
	deepest int // levels inside of it
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// marshal is Marshal but for the text of its errors.
func marshal(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) { // the most frequent ones need no writer
	case string:
		if utf8.ValidString(v) && len(v) <= wire.MaxSize {
			return sized(dst, appendQuoted(dst, jsontext.Spell(v)))
		}
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	}
	w := writers.Get().(*writer)
	defer writers.Put(w)
	*w = writer{open: w.open[:0], pairs: w.pairs[:0]}
	out, err := wire.Marshal(dst, w, v)
	switch {
	case err != nil:
		return dst, err
	case w.err != nil:
		return dst, w.err
	case w.deepest > wire.MaxValueDepth: // what is written must be readable
		return dst, errDepth
	}
	return sized(dst, out)
}

// sized refuses values that no record can hold.
func sized(dst, out []byte) ([]byte, error) {
	if len(out)-len(dst) > wire.MaxSize {
		return dst, errSize
	}
	return out, nil
}

// fail keeps the first error that came up where none can be returned.
func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// level notes that there is something with n levels at this place.
func (w *writer) level(n int) {
	if last := len(w.open) - 1; last >= 0 {
		w.open[last].deepest = max(w.open[last].deepest, n)
	} else {
		w.deepest = max(w.deepest, n)
	}
}

// begin and end note where containers do.
func (w *writer) begin(dst []byte, isMap bool) {
	w.key = false
	w.open = append(w.open, container{start: len(dst), isMap: isMap, pairs: len(w.pairs)})
}

func (w *writer) end(extra int) {
	last := len(w.open) - 1
	levels := w.open[last].deepest + 1 + extra
	w.pairs = w.pairs[:w.open[last].pairs]
	w.open = w.open[:last]
	w.level(levels)
}

var tags = []string{"json"}

// Tags implements [wire.Writer].
func (*writer) Tags() []string { return tags }

// JSON implements [wire.Writer].
func (*writer) JSON() bool { return true }

// RawJSON implements [wire.Writer]. The text is written anew: its keys have to
// be sorted and its dictionaries to be told from tags.
func (w *writer) RawJSON(dst, text []byte, depth int) ([]byte, error) {
	if len(text) > wire.MaxSize {
		return dst, errSize
	}
	if err := jsontext.Check(text, depth); err != nil {
		return dst, err
	}
	return wire.Convert(dst, w, jsontext.NewCountingReader(text))
}

// Nil implements [wire.Writer].
func (*writer) Nil(dst []byte) []byte { return append(dst, wordNull...) }

// Bool implements [wire.Writer].
func (*writer) Bool(dst []byte, v bool) []byte { return strconv.AppendBool(dst, v) }

// Int implements [wire.Writer].
func (*writer) Int(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// Uint implements [wire.Writer].
func (*writer) Uint(dst []byte, v uint64) []byte { return strconv.AppendUint(dst, v, 10) }

// Float implements [wire.Writer].
func (*writer) Float(dst []byte, v float64) ([]byte, error) { return appendFloat(dst, v), nil }

// Float32 implements [wire.Writer].
func (*writer) Float32(dst []byte, v float32) ([]byte, error) {
	return appendFloat(dst, widen(v)), nil
}

// Big implements [wire.Writer].
func (*writer) Big(dst []byte, v *big.Int) ([]byte, error) { return appendBig(dst, v) }

// String implements [wire.Writer]. A value that is not UTF-8 is written as
// bytes, a key as JSON's codec writes it; both are read back into a string as
// they were.
func (w *writer) String(dst []byte, v string) ([]byte, error) {
	isKey := w.key
	w.key = false
	if isKey || utf8.ValidString(v) {
		return appendQuoted(dst, jsontext.Spell(v)), nil
	}
	return w.Bytes(dst, []byte(v))
}

var errText = fmt.Errorf("%w: markup is not valid UTF-8", wire.ErrType)

// Bytes implements [wire.Writer].
func (w *writer) Bytes(dst, v []byte) ([]byte, error) {
	w.level(1)
	dst = base64.StdEncoding.AppendEncode(append(dst, `{" b":"`...), v)
	return append(dst, `"}`...), nil
}

// Time implements [wire.Writer]. The zero time is None: Flask would read back
// another year.
func (w *writer) Time(dst []byte, v time.Time) ([]byte, error) {
	if v.IsZero() {
		return append(dst, wordNull...), nil
	}
	w.level(1)
	return appendTime(dst, v)
}

// Ext implements [wire.Writer]: there are no such values.
func (*writer) Ext(dst []byte, _ wire.Ext) ([]byte, error) {
	return dst, fmt.Errorf("%w: tagged JSON has no extension values", wire.ErrType)
}

const uuidPrefix = `{" u":"`

// Python implements [wire.PythonWriter].
func (w *writer) Python(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case pyvalue.Markup:
		if !utf8.ValidString(string(v)) {
			return dst, errText
		}
		w.level(1)
		return append(appendQuoted(append(dst, `{" m":`...), string(v)), '}'), nil
	case pyvalue.UUID:
		w.level(1)
		return append(append(append(dst, uuidPrefix...), v.Hex()...), `"}`...), nil
	case pyvalue.DateTime:
		return w.Time(dst, v.When())
	case pyvalue.Date:
		return appendDate(dst, v)
	case pyvalue.Decimal:
		if v.Valid() {
			return appendQuoted(dst, string(v)), nil
		}
	}
	// Flask refuses them as well.
	return dst, fmt.Errorf("%w: %T cannot be written", wire.ErrType, v)
}

// Sequence implements [wire.PythonWriter].
func (w *writer) Sequence(dst []byte, s wire.Sequence, n int) []byte {
	if s != wire.Tuple {
		w.fail(fmt.Errorf("%w: %s cannot be written", wire.ErrType, s))
	}
	return w.List(append(dst, `{" t":`...), n)
}

// EndSequence implements [wire.PythonWriter].
func (w *writer) EndSequence(dst []byte, _ wire.Sequence) ([]byte, error) {
	w.end(1)
	return append(dst, "]}"...), nil
}

// List implements [wire.Writer].
func (w *writer) List(dst []byte, _ int) []byte {
	w.begin(dst, false)
	return append(dst, '[')
}

// EndList implements [wire.Writer].
func (w *writer) EndList(dst []byte) []byte {
	w.end(0)
	return append(dst, ']')
}

// Next implements [wire.Writer].
func (w *writer) Next(dst []byte, i int) []byte {
	in := &w.open[len(w.open)-1]
	if in.isMap {
		return w.nextPair(dst, i)
	}
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}
