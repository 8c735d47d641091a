package taggedjson

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// appendFloat appends v as Python's repr shows it: the fewest digits that read
// back as v, with an exponent of at least two digits from 1e16 on and below
// 0.0001.
func appendFloat(dst []byte, v float64) []byte {
	switch abs := math.Abs(v); {
	case math.IsNaN(v):
		return append(dst, wordNaN...)
	case math.IsInf(v, 1):
		return append(dst, wordInfinity...)
	case math.IsInf(v, -1):
		return append(dst, wordMinusInf...)
	case v != 0 && abs < 1e-4 || abs >= 1e16:
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// widen returns the float64 with the same digits as v, rather than the one with
// the same value: Python would show 0.10000000149011612 for 0.1.
func widen(v float32) float64 {
	if f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64); err == nil {
		return f
	}
	return float64(v)
}

// parseFloat reads a number with a point or exponent. One too large is infinite,
// as in Python.
func parseFloat(b []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, errNumber
	}
	return f, nil
}

// appendBig appends v. Python neither writes nor reads more digits than
// MaxBigDigits, since that takes quadratic time.
func appendBig(dst []byte, v *big.Int) ([]byte, error) {
	const bits = wire.MaxBigBits + 2 // an upper bound; the digits decide
	if v.BitLen() > bits {
		return dst, fmt.Errorf("%w: an integer of %d bits", wire.ErrLimit, v.BitLen())
	}
	out := v.Append(dst, 10)
	if digits(out[len(dst):]) > wire.MaxBigDigits {
		return dst, errDigits
	}
	return out, nil
}

func parseBig(b []byte) (*big.Int, error) {
	if digits(b) > wire.MaxBigDigits {
		return nil, errDigits
	}
	v, ok := new(big.Int).SetString(string(b), 10)
	if !ok {
		return nil, errNumber
	}
	return v, nil
}

// digits returns how many digits the integer b has.
func digits(b []byte) int {
	if len(b) > 0 && b[0] == '-' {
		return len(b) - 1
	}
	return len(b)
}
