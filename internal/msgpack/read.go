package msgpack

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Reader reads the tokens of one value.
type Reader struct {
	data []byte
	p    int
}

var _ wire.Reader = (*Reader)(nil)

// NewReader returns a Reader for a value that [Check] has accepted.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Next implements [wire.Reader].
func (r *Reader) Next() (t wire.Token, err error) {
	r.p, err = ReadToken(&t, r.data, r.p)
	return t, err
}

// More implements [wire.Reader].
func (r *Reader) More(left int) (int, bool) { return left - 1, left > 0 }

// Raw implements [wire.Reader].
func (r *Reader) Raw() ([]byte, error) {
	start := r.p
	end, err := Skip(r.data, r.p, wire.MaxDepth)
	if err != nil {
		return nil, err
	}
	r.p = end
	return r.data[start:end:end], nil
}

// Bytes implements [wire.Reader]: a string is text, and nothing else.
func (r *Reader) Bytes(wire.Token) ([]byte, error) {
	return nil, fmt.Errorf("%w: a string is not bytes", wire.ErrType)
}

// Big implements [wire.Reader].
func (r *Reader) Big(t wire.Token) (*big.Int, error) {
	d := t.Data
	if len(d) < 2 || d[0] > 1 || d[1] == 0 {
		return nil, fmt.Errorf("%w: a large integer in a wrong form", wire.ErrMalformed)
	}
	if len(d)-1 > (wire.MaxBigBits+7)/8 {
		return nil, fmt.Errorf("%w: an integer of %d bytes", wire.ErrLimit, len(d)-1)
	}
	v := new(big.Int).SetBytes(d[1:])
	if v.BitLen() > wire.MaxBigBits {
		return nil, fmt.Errorf("%w: an integer of %d bits", wire.ErrLimit, v.BitLen())
	}
	if d[0] == 1 {
		v.Neg(v)
	}
	return v, nil
}

// ReadToken reads the token at data[p] into t and returns where the next one
// begins. It is a function so that one value can be read without a Reader.
func ReadToken(t *wire.Token, data []byte, p int) (int, error) {
	if p >= len(data) {
		return p, errTruncated
	}
	c := data[p]
	var end, children int
	if size := int(sizes[c]); size != 0 {
		if end = p + size; end > len(data) {
			return p, errTruncated
		}
		children = fixChildren(c)
	} else {
		var err error
		if end, children, err = longHeader(data, p); err != nil {
			return p, err
		}
	}
	body := data[p+1 : end : end]
	switch {
	case c < 0x80 || c >= codeNegative:
		setInt(t, int64(int8(c)))
	case c < codeFixList || c == codeMap16 || c == codeMap32:
		t.Kind, t.N = wire.Map, children/2
	case c < codeFixString || c == codeList16 || c == codeList32:
		t.Kind, t.N = wire.List, children
	case c < codeNil:
		return end, setString(t, body)
	default:
		return end, readLong(t, c, body)
	}
	return end, nil
}

func setInt(t *wire.Token, v int64) { t.Kind, t.Int = wire.Int, v }

func setString(t *wire.Token, b []byte) error {
	t.Kind, t.Data = wire.String, b
	if !utf8.Valid(b) {
		return errUTF8
	}
	return nil
}

// readLong reads the values whose first byte is between the fix forms. body is
// what follows that byte.
func readLong(t *wire.Token, c byte, body []byte) error {
	switch c {
	case codeNil:
		t.Kind = wire.Nil
	case codeFalse, codeTrue:
		t.Kind, t.Bool = wire.Bool, c == codeTrue
	case codeBin8:
		t.Kind, t.Data = wire.Bytes, body[1:]
	case codeBin16:
		t.Kind, t.Data = wire.Bytes, body[2:]
	case codeBin32:
		t.Kind, t.Data = wire.Bytes, body[4:]
	case codeString8:
		return setString(t, body[1:])
	case codeString16:
		return setString(t, body[2:])
	case codeString32:
		return setString(t, body[4:])
	case codeExt8:
		return readExt(t, body[1:])
	case codeExt16:
		return readExt(t, body[2:])
	case codeExt32:
		return readExt(t, body[4:])
	case codeFixExt1, codeFixExt2, codeFixExt4, codeFixExt8, codeFixExt16:
		return readExt(t, body)
	default:
		readNumber(t, c, body)
	}
	return nil
}

func readNumber(t *wire.Token, c byte, body []byte) {
	switch c {
	case codeFloat32:
		t.Kind = wire.Float
		t.Float = float64(math.Float32frombits(binary.BigEndian.Uint32(body)))
	case codeFloat64:
		t.Kind = wire.Float
		t.Float = math.Float64frombits(binary.BigEndian.Uint64(body))
	case codeUint8:
		setInt(t, int64(body[0]))
	case codeUint16:
		setInt(t, int64(binary.BigEndian.Uint16(body)))
	case codeUint32:
		setInt(t, int64(binary.BigEndian.Uint32(body)))
	case codeUint64:
		v := binary.BigEndian.Uint64(body)
		if v <= math.MaxInt64 {
			setInt(t, int64(v))
		} else {
			t.Kind, t.Uint = wire.Uint, v
		}
	case codeInt8:
		setInt(t, int64(int8(body[0])))
	case codeInt16:
		setInt(t, int64(int16(binary.BigEndian.Uint16(body))))
	case codeInt32:
		setInt(t, int64(int32(binary.BigEndian.Uint32(body))))
	case codeInt64:
		setInt(t, int64(binary.BigEndian.Uint64(body)))
	}
}

// readExt reads an extension, of which b is the code and the data.
func readExt(t *wire.Token, b []byte) error {
	t.Kind, t.Code, t.Data = wire.Extension, int8(b[0]), b[1:]
	switch t.Code {
	case BigCode:
		t.Kind = wire.Big
	case TextCode:
		if !utf8.Valid(t.Data) { // else we have not written it
			t.Kind = wire.String
		}
	case TimeCode:
		return readTime(t)
	}
	return nil
}

func readTime(t *wire.Token) error {
	b := t.Data
	t.Kind = wire.Time
	switch len(b) {
	case 4:
		t.Int, t.N = int64(binary.BigEndian.Uint32(b)), 0
	case 8:
		v := binary.BigEndian.Uint64(b)
		t.Int, t.N = int64(v&(1<<34-1)), int(v>>34)
	case 12:
		t.Int, t.N = int64(binary.BigEndian.Uint64(b[4:])), int(binary.BigEndian.Uint32(b))
	default:
		return fmt.Errorf("%w: a timestamp of %d bytes", wire.ErrMalformed, len(b))
	}
	if t.N < 0 || t.N > 999_999_999 {
		return fmt.Errorf("%w: a timestamp with over 10⁹ nanoseconds", wire.ErrMalformed)
	}
	if t.Int < minTime || t.Int > maxTime {
		return fmt.Errorf("%w: a time outside the years 1 to 9999", wire.ErrMalformed)
	}
	return nil
}

// MapHeader reads the header of a map at the beginning of data. It returns how
// many pairs the map has and where the first one begins.
func MapHeader(data []byte) (pairs, p int, err error) {
	var t wire.Token
	if p, err = ReadToken(&t, data, 0); err != nil {
		return 0, 0, err
	}
	if t.Kind != wire.Map {
		return 0, 0, fmt.Errorf("%w: it is %s, not a map", wire.ErrMalformed, t.Kind)
	}
	return t.N, p, nil
}

// Text returns the text of raw, one whole value, if it is a string. It does not
// check that it is UTF-8.
func Text(raw []byte) ([]byte, bool) {
	if len(raw) == 0 {
		return nil, false
	}
	n := 0
	switch c := raw[0]; {
	case c >= codeFixString && c < codeNil:
		n = 1
	case c == codeString8:
		n = 2
	case c == codeString16:
		n = 3
	case c == codeString32:
		n = 5
	default:
		return nil, false
	}
	return raw[n:], true
}

// ReadWhole reads the token that is the whole of raw. Of a list or map it
// reads only the header.
func ReadWhole(raw []byte) (t wire.Token, err error) {
	end, err := ReadToken(&t, raw, 0)
	if err == nil && end != len(raw) && t.Kind != wire.List && t.Kind != wire.Map {
		err = errTrailing
	}
	return t, err
}
