package pickle

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// Writer appends the instructions that push a value, each time anew: it has no
// memo. See [Begin] and [Close] for what makes a pickle of them.
type Writer struct{}

var _ wire.PythonWriter = Writer{}

// tags are those of MessagePack, so that a struct has the same names in a
// record whichever of the two it is written in.
var tags = []string{"msgpack", "json"}

// Tags implements [wire.Writer].
func (Writer) Tags() []string { return tags }

// JSON implements [wire.Writer].
func (Writer) JSON() bool { return false }

// RawJSON implements [wire.Writer]. It is never called.
func (Writer) RawJSON(dst, _ []byte, _ int) ([]byte, error) { return dst, wire.ErrType }

// push appends what pushes v, which is no container.
func push(dst []byte, v Value) ([]byte, error) {
	w := writer{out: dst, base: len(dst), protocol: partProtocol, limits: defaultLimits, frame: unframed}
	err := w.save(v)
	return w.out, err
}

// Nil implements [wire.Writer].
func (Writer) Nil(dst []byte) []byte { return append(dst, opNone) }

// Bool implements [wire.Writer].
func (Writer) Bool(dst []byte, v bool) []byte {
	if v {
		return append(dst, opNewTrue)
	}
	return append(dst, opNewFalse)
}

// Int implements [wire.Writer].
func (Writer) Int(dst []byte, v int64) []byte {
	dst, _ = push(dst, v)
	return dst
}

// Uint implements [wire.Writer].
func (Writer) Uint(dst []byte, v uint64) []byte {
	dst, _ = push(dst, integer(new(big.Int).SetUint64(v)))
	return dst
}

// Float implements [wire.Writer].
func (Writer) Float(dst []byte, v float64) ([]byte, error) { return push(dst, v) }

// Float32 implements [wire.Writer]. It writes the float with the same digits
// rather than the one with the same value: Python would show
// 0.10000000149011612 for 0.1.
func (Writer) Float32(dst []byte, v float32) ([]byte, error) {
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		f = float64(v)
	}
	return push(dst, f)
}

// String implements [wire.Writer]. What no str can hold is written as bytes.
func (Writer) String(dst []byte, v string) ([]byte, error) {
	if !pyvalue.ValidText(v) {
		return push(dst, []byte(v))
	}
	return push(dst, v)
}

// Bytes implements [wire.Writer].
func (Writer) Bytes(dst, v []byte) ([]byte, error) { return push(dst, v) }

// Time implements [wire.Writer].
func (Writer) Time(dst []byte, v time.Time) ([]byte, error) {
	d := pyvalue.At(v)
	if !d.Valid() {
		return dst, fmt.Errorf("%w: a time is outside the years 1 to 9999", ErrValue)
	}
	return push(dst, d)
}

// Big implements [wire.Writer].
func (Writer) Big(dst []byte, v *big.Int) ([]byte, error) { return push(dst, v) }

// Ext implements [wire.Writer]: Python has no such values.
func (Writer) Ext(dst []byte, _ wire.Ext) ([]byte, error) {
	return dst, fmt.Errorf("%w: a pickle has no extension values", ErrValue)
}

// Python implements [wire.PythonWriter].
func (Writer) Python(dst []byte, v any) ([]byte, error) { return push(dst, v) }

// Key implements [wire.Writer].
func (Writer) Key(dst, encoded []byte) ([]byte, error) { return append(dst, encoded...), nil }

// List implements [wire.Writer].
func (Writer) List(dst []byte, _ int) []byte { return append(dst, opEmptyList, opMark) }

// EndList implements [wire.Writer].
func (Writer) EndList(dst []byte) []byte { return append(dst, opAppends) }

// Map implements [wire.Writer].
func (Writer) Map(dst []byte, _ int) []byte { return append(dst, opEmptyDict, opMark) }

// EndMap implements [wire.Writer].
func (Writer) EndMap(dst []byte) []byte { return append(dst, opSetItems) }

// Next implements [wire.Writer].
func (Writer) Next(dst []byte, _ int) []byte { return dst }

// Value implements [wire.Writer].
func (Writer) Value(dst []byte) []byte { return dst }

// Sequence implements [wire.PythonWriter].
func (Writer) Sequence(dst []byte, s wire.Sequence, _ int) []byte {
	if s == wire.Set {
		dst = append(dst, opEmptySet)
	}
	return append(dst, opMark)
}

// EndSequence implements [wire.PythonWriter].
func (Writer) EndSequence(dst []byte, s wire.Sequence) ([]byte, error) {
	switch s {
	case wire.Tuple:
		return append(dst, opTuple), nil
	case wire.Set:
		return append(dst, opAddItems), nil
	default:
		return append(dst, opFrozenSet), nil
	}
}
