package pickle

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// An input reads the arguments of instructions.
type input struct {
	data []byte
	pos  int
}

func (in *input) left() int { return len(in.data) - in.pos }

func truncated() error { return malformed("pickle ends too early") }

func (in *input) byte() (byte, error) {
	if in.left() == 0 {
		return 0, truncated()
	}
	in.pos++
	return in.data[in.pos-1], nil
}

// take returns the next n bytes.
func (in *input) take(n int) ([]byte, error) {
	if n < 0 || n > in.left() {
		return nil, truncated()
	}
	b := in.data[in.pos : in.pos+n]
	in.pos += n
	return b, nil
}

// uint reads a little-endian number of size bytes.
func (in *input) uint(size int) (uint64, error) {
	b, err := in.take(size)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// lengthSize is how many bytes the length takes in instructions that carry
// one. That of opBinString is signed in Python, but then a negative one is
// longer than any pickle.
var lengthSize = [256]uint8{
	opShortBinString: 1, opBinString: 4,
	opShortBinUnicode: 1, opBinUnicode: 4, opBinUnicode8: 8,
	opShortBinBytes: 1, opBinBytes: 4, opBinBytes8: 8, opByteArray8: 8,
	opLong1: 1, opLong4: 4,
}

// counted reads the length that op carries, and then as many bytes as it says.
func (in *input) counted(op byte) ([]byte, error) {
	n, err := in.uint(int(lengthSize[op]))
	if err != nil {
		return nil, err
	}
	if n > uint64(in.left()) {
		return nil, truncated()
	}
	return in.take(int(n))
}

// line reads up to the next line break, and returns what is before it.
func (in *input) line() ([]byte, error) {
	n := bytes.IndexByte(in.data[in.pos:], '\n')
	if n < 0 {
		return nil, truncated()
	}
	b := in.data[in.pos : in.pos+n]
	in.pos += n + 1
	return b, nil
}

// smallNumber parses a memo number.
func smallNumber(line []byte) (int, bool) {
	if len(line) == 0 || len(line) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range line {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// digits returns the number of ASCII digits at the beginning of s, and the rest.
func digits(s string) (int, string) {
	rest := strings.TrimLeft(s, "0123456789")
	return len(s) - len(rest), rest
}

// integer reads the integer that op carries.
func (r *reader) integer(op byte) (Value, error) {
	switch op {
	case opBinInt1:
		n, err := r.uint(1)
		return int64(n), err
	case opBinInt2:
		n, err := r.uint(2)
		return int64(n), err
	case opBinInt:
		n, err := r.uint(4)
		return int64(int32(n)), err
	case opLong1, opLong4:
		b, err := r.counted(op)
		if err != nil {
			return nil, err
		}
		if len(b) > r.limits.IntSize {
			return nil, limit("integer too large")
		}
		return binaryInteger(b), nil
	}
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	if op == opInt && len(line) == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1') {
		return line[1] == '1', nil // how protocols 0 and 1 spell booleans
	}
	if op == opLong {
		line = bytes.TrimSuffix(line, []byte{'L'})
	}
	return r.decimal(line)
}

// decimal parses an integer as Python's writers spell it. (Python's reader
// takes other bases too.)
func (r *reader) decimal(line []byte) (Value, error) {
	number := strings.TrimPrefix(string(line[:min(len(line), r.limits.Digits+2)]), "-")
	n, rest := digits(number)
	switch {
	case n > r.limits.Digits:
		return nil, limit("integer has too many digits")
	case n == 0 || rest != "" || n > 1 && number[0] == '0':
		return nil, malformed("not a decimal number")
	}
	if small, err := strconv.ParseInt(string(line), 10, 64); err == nil {
		return small, nil
	}
	big, ok := new(big.Int).SetString(string(line), 10)
	if !ok {
		return nil, malformed("not a decimal number")
	}
	return integer(big), nil
}

// binaryInteger decodes a little-endian number in two's complement.
func binaryInteger(b []byte) Value {
	if len(b) <= 8 {
		var n uint64
		for i, c := range b {
			n |= uint64(c) << (8 * i)
		}
		unused := 64 - 8*len(b) // 64 for no bytes at all, which are 0
		return int64(n<<unused) >> unused
	}
	magnitude := make([]byte, len(b))
	for i, c := range b {
		magnitude[len(b)-1-i] = c
	}
	n := new(big.Int).SetBytes(magnitude)
	if b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return integer(n)
}

// float reads the float that op carries.
func (r *reader) float(op byte) (Value, error) {
	if op == opBinFloat {
		b, err := r.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	// ParseFloat also takes Go's own spellings, which Python does not.
	if len(line) > r.limits.Digits || bytes.ContainsAny(line, "_xXpP") {
		return nil, malformed("not a float")
	}
	f, err := strconv.ParseFloat(string(line), 64)
	if err != nil {
		return nil, malformed("not a float")
	}
	if math.IsNaN(f) {
		// Python's NaN, whose bits are not those of Go's.
		f = math.Float64frombits(0x7ff8 << 48)
	}
	return f, nil
}
