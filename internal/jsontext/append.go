package jsontext

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Writer writes JSON.
type Writer struct {
	// Lossless makes it refuse what JSON shows as something else: bytes and
	// times.
	Lossless bool
}

var _ wire.Writer = Writer{}

var tags = []string{"json"}

// Tags implements [wire.Writer].
func (Writer) Tags() []string { return tags }

// JSON implements [wire.Writer].
func (Writer) JSON() bool { return true }

// RawJSON implements [wire.Writer].
func (Writer) RawJSON(dst, text []byte, depth int) ([]byte, error) {
	if err := Check(text, depth); err != nil {
		return dst, err
	}
	return appendCompact(dst, text), nil
}

// appendCompact appends a checked value without white space around its parts.
func appendCompact(dst, text []byte) []byte {
	for p := 0; p < len(text); {
		switch text[p] {
		case ' ', '\t', '\n', '\r':
			p++
		case '"':
			end, err := SkipString(text, p)
			if err != nil {
				return dst
			}
			dst = append(dst, text[p:end]...)
			p = end
		default:
			dst = append(dst, text[p])
			p++
		}
	}
	return dst
}

// Nil appends null.
func (Writer) Nil(dst []byte) []byte { return append(dst, "null"...) }

// Bool appends a boolean.
func (Writer) Bool(dst []byte, v bool) []byte { return strconv.AppendBool(dst, v) }

// Int appends an integer.
func (Writer) Int(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// Uint appends an integer.
func (Writer) Uint(dst []byte, v uint64) []byte { return strconv.AppendUint(dst, v, 10) }

// Float appends a float in the shortest form that reads back as the same
// float. JSON has none for infinities and NaN; msgspec writes null for them,
// which would be another value.
func (Writer) Float(dst []byte, v float64) ([]byte, error) { return appendFloat(dst, v, 64) }

// Float32 appends a float32 likewise.
func (Writer) Float32(dst []byte, v float32) ([]byte, error) {
	return appendFloat(dst, float64(v), 32)
}

// appendFloat lays digits out as the Ryu library in msgspec does: 12.5, 1e16,
// 0.00001, 1.5e-7, and 1.0 rather than 1.
func appendFloat(dst []byte, v float64, bits int) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst, fmt.Errorf("%w: JSON has no %v", wire.ErrType, v)
	}
	if math.Signbit(v) {
		dst, v = append(dst, '-'), -v
	}
	if v == 0 {
		return append(dst, "0.0"...), nil
	}
	var buf [32]byte
	e := strconv.AppendFloat(buf[:0], v, 'e', -1, bits) // d.ddde±dd
	mantissa, exponent := e, 0
	for i, c := range e {
		if c == 'e' {
			mantissa = e[:i]
			exponent, _ = strconv.Atoi(string(e[i+1:]))
		}
	}
	switch {
	case exponent < -5 || exponent >= 16:
		dst = append(append(dst, mantissa...), 'e')
		return strconv.AppendInt(dst, int64(exponent), 10), nil
	case exponent < 0:
		dst = append(dst, "0.00000"[:1-exponent]...)
		dst = append(dst, mantissa[0])
		if len(mantissa) > 2 {
			dst = append(dst, mantissa[2:]...)
		}
		return dst, nil
	}
	return appendPlain(dst, mantissa, exponent), nil
}

// appendPlain appends d.ddd times ten to the exponent, which is not negative.
func appendPlain(dst, mantissa []byte, exponent int) []byte {
	dst = append(dst, mantissa[0])
	var fraction []byte
	if len(mantissa) > 2 {
		fraction = mantissa[2:]
	}
	for range exponent {
		if len(fraction) > 0 {
			dst = append(dst, fraction[0])
			fraction = fraction[1:]
		} else {
			dst = append(dst, '0')
		}
	}
	if len(fraction) == 0 {
		fraction = []byte{'0'}
	}
	return append(append(dst, '.'), fraction...)
}

// String appends a string, one that is not UTF-8 as [Spell] says.
func (Writer) String(dst []byte, v string) ([]byte, error) { return AppendQuoted(dst, Spell(v)), nil }

// Bytes appends bytes as a string in base64.
func (w Writer) Bytes(dst, v []byte) ([]byte, error) {
	if w.Lossless {
		return dst, fmt.Errorf("%w: JSON has no bytes", wire.ErrType)
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v)
	return append(dst, '"'), nil
}

// Time appends a time as a string in ISO 8601.
func (w Writer) Time(dst []byte, v time.Time) ([]byte, error) {
	if w.Lossless {
		return dst, fmt.Errorf("%w: JSON has no times", wire.ErrType)
	}
	dst, err := wire.AppendTime(append(dst, '"'), v)
	return append(dst, '"'), err
}

// Big appends an integer.
func (Writer) Big(dst []byte, v *big.Int) ([]byte, error) {
	if v.BitLen() > wire.MaxBigBits {
		return dst, fmt.Errorf("%w: an integer of %d bits", wire.ErrLimit, v.BitLen())
	}
	return v.Append(dst, 10), nil
}

// Ext implements [wire.Writer]: JSON cannot hold extensions.
func (Writer) Ext(dst []byte, _ wire.Ext) ([]byte, error) {
	return dst, fmt.Errorf("%w: JSON has no extension values", wire.ErrType)
}

// Key implements [wire.Writer]: numbers are quoted, as msgspec does.
func (w Writer) Key(dst, encoded []byte) ([]byte, error) {
	if len(encoded) > 0 {
		switch c := encoded[0]; {
		case c == '"':
			return append(dst, encoded...), nil
		case !w.Lossless && (c == '-' || c-'0' < 10):
			return append(append(append(dst, '"'), encoded...), '"'), nil
		}
	}
	return dst, fmt.Errorf("%w: a key in JSON must be a string or a number", wire.ErrType)
}

// List implements [wire.Writer].
func (Writer) List(dst []byte, _ int) []byte { return append(dst, '[') }

// Map implements [wire.Writer].
func (Writer) Map(dst []byte, _ int) []byte { return append(dst, '{') }

// Next implements [wire.Writer].
func (Writer) Next(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

// Value implements [wire.Writer].
func (Writer) Value(dst []byte) []byte { return append(dst, ':') }

// EndList implements [wire.Writer].
func (Writer) EndList(dst []byte) []byte { return append(dst, ']') }

// EndMap implements [wire.Writer].
func (Writer) EndMap(dst []byte) []byte { return append(dst, '}') }
