package msgpack

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Writer writes MessagePack. Its zero value is ready for use.
type Writer struct{}

var _ wire.Writer = Writer{}

// Tags implements [wire.Writer].
func (Writer) Tags() []string { return tags }

var tags = []string{"msgpack", "json"}

// JSON implements [wire.Writer].
func (Writer) JSON() bool { return false }

// RawJSON implements [wire.Writer]. It is never called.
func (Writer) RawJSON(dst, _ []byte, _ int) ([]byte, error) { return dst, wire.ErrType }

// Nil appends nil.
func (Writer) Nil(dst []byte) []byte { return append(dst, codeNil) }

// Bool appends a boolean.
func (Writer) Bool(dst []byte, v bool) []byte {
	if v {
		return append(dst, codeTrue)
	}
	return append(dst, codeFalse)
}

// Int appends an integer in its shortest form.
func (w Writer) Int(dst []byte, v int64) []byte {
	switch {
	case v >= 0:
		return w.Uint(dst, uint64(v))
	case v >= -32:
		return append(dst, byte(v))
	case v >= math.MinInt8:
		return append(dst, codeInt8, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, codeInt16), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, codeInt32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeInt64), uint64(v))
}

// Uint appends an integer in its shortest form.
func (Writer) Uint(dst []byte, v uint64) []byte {
	switch {
	case v < 0x80:
		return append(dst, byte(v))
	case v <= math.MaxUint8:
		return append(dst, codeUint8, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, codeUint16), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, codeUint32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeUint64), v)
}

// Float appends a float64, also where a shorter form would hold the value, as
// Python's libraries do.
func (Writer) Float(dst []byte, v float64) ([]byte, error) {
	return binary.BigEndian.AppendUint64(append(dst, codeFloat64), math.Float64bits(v)), nil
}

// Float32 appends a float32.
func (Writer) Float32(dst []byte, v float32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(append(dst, codeFloat32), math.Float32bits(v)), nil
}

// String appends a string, one that is not UTF-8 as an extension with
// [TextCode]: Python's libraries would refuse the whole record for a str that is
// none.
func (Writer) String(dst []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return appendExt(dst, TextCode, []byte(v)), nil
	}
	n := len(v)
	switch {
	case n < 32:
		dst = append(dst, codeFixString|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, codeString8, byte(n))
	default:
		dst = appendLength(dst, codeString16, n)
	}
	return append(dst, v...), nil
}

// Bytes appends bytes.
func (Writer) Bytes(dst, v []byte) ([]byte, error) {
	n := len(v)
	if n <= math.MaxUint8 {
		dst = append(dst, codeBin8, byte(n))
	} else {
		dst = appendLength(dst, codeBin16, n)
	}
	return append(dst, v...), nil
}

// appendLength appends a length of 16 or 32 bits. The code for 32 bits is the
// one after the code for 16 in every family.
func appendLength(dst []byte, code16 byte, n int) []byte {
	if n <= math.MaxUint16 {
		return binary.BigEndian.AppendUint16(append(dst, code16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, code16+1), uint32(n))
}

// Time appends a timestamp in the shortest of its three forms. The time zone
// is lost. Years that Python cannot hold are refused.
func (w Writer) Time(dst []byte, v time.Time) ([]byte, error) {
	sec, nsec := v.Unix(), v.Nanosecond()
	if sec < minTime || sec > maxTime {
		return dst, fmt.Errorf("%w: a time is outside the years 1 to 9999", wire.ErrType)
	}
	var b [12]byte
	switch {
	case sec>>34 != 0:
		binary.BigEndian.PutUint32(b[:], uint32(nsec))
		binary.BigEndian.PutUint64(b[4:], uint64(sec))
		return appendExt(dst, TimeCode, b[:]), nil
	case nsec == 0 && sec <= math.MaxUint32:
		binary.BigEndian.PutUint32(b[:], uint32(sec))
		return appendExt(dst, TimeCode, b[:4]), nil
	}
	binary.BigEndian.PutUint64(b[:], uint64(nsec)<<34|uint64(sec))
	return appendExt(dst, TimeCode, b[:8]), nil
}

// Seconds since 1970 of the first and last second of the years 1 to 9999.
const (
	minTime = -62135596800
	maxTime = 253402300799
)

// Big appends an integer: as an ordinary one if it fits, else as an extension
// with [BigCode].
func (w Writer) Big(dst []byte, v *big.Int) ([]byte, error) {
	switch {
	case v.IsInt64():
		return w.Int(dst, v.Int64()), nil
	case v.IsUint64():
		return w.Uint(dst, v.Uint64()), nil
	case v.BitLen() > wire.MaxBigBits:
		return dst, fmt.Errorf("%w: an integer of %d bits", wire.ErrLimit, v.BitLen())
	}
	b := make([]byte, 1+(v.BitLen()+7)/8)
	if v.Sign() < 0 {
		b[0] = 1
	}
	v.FillBytes(b[1:])
	return appendExt(dst, BigCode, b), nil
}

// Ext appends an extension value.
func (Writer) Ext(dst []byte, v wire.Ext) ([]byte, error) {
	if len(v.Data) > wire.MaxSize {
		return dst, fmt.Errorf("%w: an extension of %d bytes", wire.ErrLimit, len(v.Data))
	}
	return appendExt(dst, v.Code, v.Data), nil
}

func appendExt(dst []byte, code int8, data []byte) []byte {
	switch n := len(data); n {
	case 1:
		dst = append(dst, codeFixExt1)
	case 2:
		dst = append(dst, codeFixExt2)
	case 4:
		dst = append(dst, codeFixExt4)
	case 8:
		dst = append(dst, codeFixExt8)
	case 16:
		dst = append(dst, codeFixExt16)
	default:
		if n <= math.MaxUint8 {
			dst = append(dst, codeExt8, byte(n))
		} else {
			dst = appendLength(dst, codeExt16, n)
		}
	}
	return append(append(dst, byte(code)), data...)
}

// Key implements [wire.Writer]: any value can be a key.
func (Writer) Key(dst, encoded []byte) ([]byte, error) { return append(dst, encoded...), nil }

// List begins a list of n elements.
func (Writer) List(dst []byte, n int) []byte {
	if n < 16 {
		return append(dst, codeFixList|byte(n))
	}
	return appendLength(dst, codeList16, n)
}

// Map begins a map of n pairs.
func (Writer) Map(dst []byte, n int) []byte {
	if n < 16 {
		return append(dst, codeFixMap|byte(n))
	}
	return appendLength(dst, codeMap16, n)
}

// Next implements [wire.Writer]: nothing separates elements.
func (Writer) Next(dst []byte, i int) []byte { return dst }

// Value implements [wire.Writer]: nothing separates keys from values.
func (Writer) Value(dst []byte) []byte { return dst }

// EndList implements [wire.Writer].
func (Writer) EndList(dst []byte) []byte { return dst }

// EndMap implements [wire.Writer].
func (Writer) EndMap(dst []byte) []byte { return dst }
