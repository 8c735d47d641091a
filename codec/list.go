package codec

import (
	"fmt"
	"iter"

	"github.com/cloakroom/cloakroom/internal/jsontext"
	"github.com/cloakroom/cloakroom/internal/msgpack"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// MsgPack and JSON have two methods more than a [Codec], by which a list is
// taken apart and put together without decoding its elements. Package ledger
// keeps flash messages with them, of which a record may hold millions.

var errNoList = fmt.Errorf("%w: it is not a list", ErrType)

// Elements appends to dst where each element of the list raw begins and ends.
func (c msgPack) Elements(dst [][2]uint32, raw []byte) ([][2]uint32, error) {
	out, err := elementsMsgPack(dst, raw)
	if err != nil {
		return dst, fail(c, "split", err)
	}
	return out, nil
}

func elementsMsgPack(dst [][2]uint32, raw []byte) ([][2]uint32, error) {
	if err := checkRecord(raw); err != nil {
		return dst, err
	}
	var t wire.Token
	p, err := msgpack.ReadToken(&t, raw, 0)
	if err != nil {
		return dst, err
	}
	if t.Kind != wire.List {
		return dst, errNoList
	}
	if room := min(t.N, len(raw)); cap(dst)-len(dst) < room {
		dst = append(make([][2]uint32, 0, len(dst)+room), dst...)
	}
	for range t.N {
		end, err := msgpack.Skip(raw, p, MaxDepth-1)
		if err != nil {
			return dst, err
		}
		dst = append(dst, [2]uint32{uint32(p), uint32(end)})
		p = end
	}
	if p != len(raw) {
		return dst, fmt.Errorf("%w: more follows after the list", ErrMalformed)
	}
	return dst, nil
}

// AppendList appends to dst the list of n elements.
func (msgPack) AppendList(dst []byte, n int, elements iter.Seq[[]byte]) []byte {
	return appendList(dst, msgpack.Writer{}, n, elements)
}

// Elements appends to dst where each element of the list raw begins and ends.
func (c jsonText) Elements(dst [][2]uint32, raw []byte) ([][2]uint32, error) {
	out, err := elementsJSON(dst, raw)
	if err != nil {
		return dst, fail(c, "split", err)
	}
	return out, nil
}

func elementsJSON(dst [][2]uint32, raw []byte) ([][2]uint32, error) {
	if err := checkRecord(raw); err != nil {
		return dst, err
	}
	p := jsontext.Space(raw, 0)
	if p >= len(raw) || raw[p] != '[' {
		return dst, errNoList
	}
	p = jsontext.Space(raw, p+1)
	for first := true; p < len(raw) && (raw[p] != ']' || !first); first = false {
		end, err := jsontext.Skip(raw, p, MaxDepth-1)
		if err != nil {
			return dst, err
		}
		dst = append(dst, [2]uint32{uint32(p), uint32(end)})
		if p = jsontext.Space(raw, end); p >= len(raw) || raw[p] != ',' {
			break
		}
		p = jsontext.Space(raw, p+1)
	}
	if p >= len(raw) || raw[p] != ']' {
		return dst, fmt.Errorf("%w: a list has no end", ErrMalformed)
	}
	if jsontext.Space(raw, p+1) != len(raw) {
		return dst, fmt.Errorf("%w: more follows after the list", ErrMalformed)
	}
	return dst, nil
}

// AppendList appends to dst the list of n elements.
func (jsonText) AppendList(dst []byte, n int, elements iter.Seq[[]byte]) []byte {
	return appendList(dst, jsontext.Writer{}, n, elements)
}

func appendList(dst []byte, w wire.Writer, n int, elements iter.Seq[[]byte]) []byte {
	dst = w.List(dst, n)
	i := 0
	for raw := range elements {
		dst = append(w.Next(dst, i), raw...)
		i++
	}
	return w.EndList(dst)
}
