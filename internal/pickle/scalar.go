package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/pyvalue"
)

func (w *writer) saveBool(v bool) {
	switch {
	case w.protocol >= 2 && v:
		w.op(opNewTrue)
	case w.protocol >= 2:
		w.op(opNewFalse)
	case v:
		w.text(opInt, "01")
	default:
		w.text(opInt, "00")
	}
}

func (w *writer) saveInt(n int64) {
	if n < math.MinInt32 || n > math.MaxInt32 {
		w.saveLong(big.NewInt(n))
		return
	}
	switch {
	case w.protocol == 0:
		w.text(opInt, strconv.FormatInt(n, 10))
	case n >= 0 && n < 1<<8:
		w.op(opBinInt1, byte(n))
	case n >= 0 && n < 1<<16:
		w.op(opBinInt2, byte(n), byte(n>>8))
	default:
		w.op4(opBinInt, uint32(n))
	}
}

func (w *writer) saveBig(n *big.Int) error {
	if n == nil {
		return fmt.Errorf("%w: nil *big.Int", ErrValue)
	}
	if n.IsInt64() {
		w.saveInt(n.Int64())
		return nil
	}
	// What is too long for a reader is not written either. Computing the
	// digits of a number takes long, hence the check before: a digit is more
	// than three bits.
	if n.BitLen()/8+1 > w.limits.IntSize || w.protocol < 2 && n.BitLen() > 4*w.limits.Digits {
		return fmt.Errorf("%w: integer too large", ErrLimit)
	}
	if w.protocol < 2 {
		if len(strings.TrimPrefix(n.String(), "-")) > w.limits.Digits {
			return fmt.Errorf("%w: integer too large", ErrLimit)
		}
	}
	w.saveLong(n)
	return nil
}

func (w *writer) saveLong(n *big.Int) {
	if w.protocol < 2 {
		w.text(opLong, n.String()+"L")
		return
	}
	b := twosComplement(n)
	if len(b) < 256 {
		w.op(opLong1, byte(len(b)))
	} else {
		w.op4(opLong4, uint32(len(b)))
	}
	w.out = append(w.out, b...)
}

// twosComplement returns n in as few little-endian bytes as hold it and its
// sign.
func twosComplement(n *big.Int) []byte {
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		// The range reaches one further below zero than above.
		size = new(big.Int).Not(n).BitLen()/8 + 1
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}

func (w *writer) saveFloat(f float64) {
	if w.protocol == 0 {
		w.text(opFloat, floatText(f))
		return
	}
	w.op(opBinFloat)
	w.out = binary.BigEndian.AppendUint64(w.out, math.Float64bits(f))
}

// floatText spells f as Python's repr does.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (w *writer) saveString(s string) {
	if w.protocol == 0 {
		w.text(opUnicode, rawUnicode(s))
		return
	}
	if len(s) < 256 && w.protocol >= 4 {
		w.payload([]byte{opShortBinUnicode, byte(len(s))}, s)
		return
	}
	w.payload(binary.LittleEndian.AppendUint32([]byte{opBinUnicode}, uint32(len(s))), s)
}

// rawUnicode is the opposite of decodeRawUnicode. Besides what Latin-1 lacks, it
// escapes what would end the line here or in some reader.
func rawUnicode(s string) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(s)+len(s)/8)
	for i := 0; i < len(s); {
		r, n := pyvalue.Surrogate(s[i:])
		if n == 0 {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		i += n
		switch {
		case r > 0xffff:
			out = append(out, '\\', 'U')
			for shift := 28; shift >= 0; shift -= 4 {
				out = append(out, hex[r>>shift&0xf])
			}
		case r > 0xff || r == 0 || r == '\n' || r == '\r' || r == '\\' || r == 0x1a:
			out = append(out, '\\', 'u', hex[r>>12], hex[r>>8&0xf], hex[r>>4&0xf], hex[r&0xf])
		default:
			out = append(out, byte(r))
		}
	}
	return string(out)
}

// saveBytes writes bytes, which protocols below 3 do not have: there they are
// text that is to be encoded.
func (w *writer) saveBytes(b []byte, key any) error {
	switch {
	case w.protocol >= 3 && len(b) < 256:
		w.payload([]byte{opShortBinBytes, byte(len(b))}, string(b))
		w.put(key)
		return nil
	case w.protocol >= 3:
		w.payload(binary.LittleEndian.AppendUint32([]byte{opBinBytes}, uint32(len(b))), string(b))
		w.put(key)
		return nil
	case len(b) == 0:
		return w.reduce(opReduce, globalBytes, nil, key)
	}
	text := make([]byte, 0, len(b)+len(b)/4)
	for _, c := range b {
		text = pyvalue.AppendRune(text, rune(c))
	}
	return w.reduce(opReduce, globalEncode, []Value{string(text), "latin1"}, key)
}

func (w *writer) saveByteArray(b ByteArray) error {
	if w.protocol >= 5 {
		w.payload(binary.LittleEndian.AppendUint64([]byte{opByteArray8}, uint64(len(b))), string(b))
		w.put(nil)
		return nil
	}
	var args []Value
	if len(b) > 0 {
		args = []Value{[]byte(b)}
	}
	return w.reduce(opReduce, globalByteArray, args, nil)
}
