package jsontext

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Reader reads the tokens of one value. White space, commas and colons are
// all the same to it: that they are in their places has been checked.
type Reader struct {
	data   []byte
	p      int
	counts []int32 // of the lists and maps to come, or nil
}

var _ wire.Reader = (*Reader)(nil)

// NewReader returns a Reader for a value that [Check] has accepted. It does not
// know how many elements lists and maps have.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// NewCountingReader is NewReader for a Reader that does know. It must read the
// whole value, token by token.
func NewCountingReader(data []byte) *Reader { return &Reader{data: data, counts: count(data)} }

// separators skips to the next token.
func (r *Reader) separators() {
	for r.p < len(r.data) {
		switch r.data[r.p] {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.p++
		default:
			return
		}
	}
}

// Next implements [wire.Reader].
func (r *Reader) Next() (t wire.Token, err error) {
	r.separators()
	r.p, err = ReadToken(&t, r.data, r.p)
	if (t.Kind == wire.List || t.Kind == wire.Map) && len(r.counts) > 0 {
		t.N, r.counts = int(r.counts[0]), r.counts[1:]
	}
	return t, err
}

// More implements [wire.Reader].
func (r *Reader) More(left int) (int, bool) {
	r.separators()
	if r.p >= len(r.data) {
		return left, false
	}
	if c := r.data[r.p]; c == ']' || c == '}' {
		r.p++
		return left, false
	}
	return left, true
}

// Raw implements [wire.Reader].
func (r *Reader) Raw() ([]byte, error) {
	r.separators()
	start := r.p
	end, err := Skip(r.data, start, wire.MaxDepth)
	if err != nil {
		return nil, err
	}
	r.p = end
	return r.data[start:end:end], nil
}

// Bytes implements [wire.Reader]: bytes are written as base64.
func (r *Reader) Bytes(t wire.Token) ([]byte, error) {
	b := make([]byte, base64.StdEncoding.DecodedLen(len(t.Data)))
	n, err := base64.StdEncoding.Decode(b, t.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: a string is not base64", wire.ErrType)
	}
	return b[:n], nil
}

// Big implements [wire.Reader].
func (r *Reader) Big(t wire.Token) (*big.Int, error) {
	if len(t.Data) > 1+wire.MaxBigDigits {
		return nil, fmt.Errorf("%w: an integer of more than %d digits", wire.ErrLimit, wire.MaxBigDigits)
	}
	v, ok := new(big.Int).SetString(string(t.Data), 10)
	if !ok {
		return nil, errNumber
	}
	if v.BitLen() > wire.MaxBigBits {
		return nil, fmt.Errorf("%w: an integer of %d bits", wire.ErrLimit, v.BitLen())
	}
	return v, nil
}

// ReadToken reads the token at data[p] into t and returns where the next one
// begins.
func ReadToken(t *wire.Token, data []byte, p int) (end int, err error) {
	if p >= len(data) {
		return p, errTruncated
	}
	switch c := data[p]; c {
	case '"':
		if end, err = SkipString(data, p); err == nil {
			t.Kind = wire.String
			t.Data, err = Unquote(data[p:end])
			t.Data = Unspell(t.Data)
		}
	case '{':
		t.Kind, t.N, end = wire.Map, -1, p+1
	case '[':
		t.Kind, t.N, end = wire.List, -1, p+1
	case 't', 'f':
		t.Kind, t.Bool = wire.Bool, c == 't'
		end, err = skipWord(data, p, strconv.FormatBool(t.Bool))
	case 'n':
		t.Kind = wire.Nil
		end, err = skipWord(data, p, "null")
	default:
		if end, err = skipNumber(data, p); err == nil {
			err = readNumber(t, data[p:end])
		}
	}
	return end, err
}

// readNumber reads a number. It is an integer if it is written like one.
func readNumber(t *wire.Token, b []byte) error {
	if bytes.ContainsAny(b, ".eE") {
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil {
			return errRange
		}
		t.Kind, t.Float = wire.Float, f
		return nil
	}
	if len(b) <= len("-9223372036854775808") {
		if i, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			t.Kind, t.Int = wire.Int, i
			return nil
		}
		if u, err := strconv.ParseUint(string(b), 10, 64); err == nil {
			t.Kind, t.Uint = wire.Uint, u
			return nil
		}
	}
	t.Kind, t.Data = wire.Big, b
	return nil
}

// ReadWhole reads the token that is the whole of raw. Of a list or map it reads
// only the beginning.
func ReadWhole(raw []byte) (t wire.Token, err error) {
	end, err := ReadToken(&t, raw, Space(raw, 0))
	if err == nil && t.Kind != wire.List && t.Kind != wire.Map && Space(raw, end) != len(raw) {
		err = errTrailing
	}
	return t, err
}

// count returns how many elements or pairs the lists and maps of data have, in
// the order in which they begin.
func count(data []byte) []int32 {
	var counts []int32
	var open []int // positions in counts
	for p := 0; p < len(data); p++ {
		switch data[p] {
		case '"':
			end, err := SkipString(data, p)
			if err != nil {
				return counts
			}
			p = end - 1
		case '[', '{':
			open = append(open, len(counts))
			counts = append(counts, 1)
			if next := Space(data, p+1); next < len(data) && data[next] == data[p]+2 {
				counts[len(counts)-1] = 0
			}
		case ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case ',':
			if len(open) > 0 {
				counts[open[len(open)-1]]++
			}
		}
	}
	return counts
}
