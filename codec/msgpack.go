package codec

import (
	"fmt"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/internal/msgpack"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// MsgPack is MessagePack, byte for byte as Python's msgspec writes it.
//
// Go types are written as follows; reading takes the same way back.
//
//	bool, integers       in the shortest form
//	float64, float32     in 64 and in 32 bits
//	string, []byte       str and bin; neither is read as the other
//	slices, arrays       array; those of bytes: bin
//	maps                 map, sorted by key
//	structs              map, named by the tag msgpack or else json, as encoding/json does;
//	                     one with fields of which none is exported is refused
//	time.Time            timestamp; a string in ISO 8601 is read, too
//	big.Int              an integer, or beyond 64 bits extension 73 (see below)
//	[Ext]                that extension
//	TextMarshaler        str, also where only the pointer is one
//	nil                  nil, which is read as the zero value of any type
//
// A variable of type any gets bool, int64 (uint64 only above the range of
// int64), float64, string, []byte, []any, map[string]any (map[any]any if a
// key is not a string), time.Time, *big.Int and [Ext].
//
// MessagePack has no integers beyond 64 bits. They are written as extension
// type 73: a byte 0 for positive and 1 for negative numbers, and the magnitude
// in big-endian order. A string that is not UTF-8, also one that is a key, is
// extension type 74, which holds its bytes. Python's libraries show both as
// extensions.
var MsgPack Codec = msgPack{}

type msgPack struct{}

// Name implements [Codec].
func (msgPack) Name() string { return "msgpack" }

// Match implements [Codec]. A pickle of protocol 2 and above begins with the
// byte of an empty map, but is never that byte alone.
func (msgPack) Match(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	c := data[0]
	return c > 0x80 && c < 0x90 || c == 0xde || c == 0xdf || c == 0x80 && len(data) == 1
}

// Split implements [Codec].
func (c msgPack) Split(dst []Field, data []byte) ([]Field, error) {
	fields, err := splitMsgPack(dst, data)
	if err != nil {
		return dst, fail(c, "split", err)
	}
	return fields, nil
}

func splitMsgPack(dst []Field, data []byte) ([]Field, error) {
	if err := checkRecord(data); err != nil {
		return dst, err
	}
	n, p, err := msgpack.MapHeader(data)
	if err != nil {
		return dst, err
	}
	// A field takes two bytes at least, whatever the header claims.
	s := splitter{fields: presized(dst, min(n, (len(data)-p)/2, maxPresized)), base: len(dst)}
	for range n {
		var f Field
		if f, p, err = nextField(data, p); err != nil {
			return dst, err
		}
		if err := s.add(f); err != nil {
			return dst, err
		}
	}
	if p != len(data) {
		return dst, fmt.Errorf("%w: more follows after the record", ErrMalformed)
	}
	return s.fields, nil
}

// nextField reads the field that begins at data[p], and returns where the next
// one begins.
func nextField(data []byte, p int) (f Field, end int, err error) {
	value, err := msgpack.Skip(data, p, MaxDepth-1)
	if err != nil {
		return f, 0, err
	}
	f.Key = data[p:value:value]
	if name, ok := msgpack.Text(f.Key); ok {
		if !utf8.Valid(name) {
			return f, 0, fmt.Errorf("%w: a name is not valid UTF-8", ErrMalformed)
		}
		f.Name = name
	}
	if end, err = msgpack.Skip(data, value, MaxDepth-1); err != nil {
		return f, 0, err
	}
	f.Raw = data[value:end:end]
	return f, end, nil
}

// Join implements [Codec].
func (c msgPack) Join(dst []byte, fields []Field) ([]byte, error) {
	if err := checkJoin(fields); err != nil {
		return dst, fail(c, "join", err)
	}
	var w msgpack.Writer
	out := w.Map(dst, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.Key != nil {
			out = append(out, f.Key...)
		} else {
			if !utf8.Valid(f.Name) {
				return dst, fail(c, "join", errName)
			}
			out, _ = w.String(out, string(f.Name))
		}
		out = append(out, f.Raw...)
	}
	if err := checkRecord(out[len(dst):]); err != nil {
		return dst, fail(c, "join", err)
	}
	return out, nil
}

// Marshal implements [Codec].
func (c msgPack) Marshal(dst []byte, v any) ([]byte, error) {
	out, err := wire.Marshal(dst, msgpack.Writer{}, v)
	if err != nil {
		return dst, fail(c, "marshal", err)
	}
	return out, nil
}

// Unmarshal implements [Codec].
func (c msgPack) Unmarshal(raw []byte, dst any) error {
	err := checkRecord(raw)
	if err == nil {
		err = msgpack.Check(raw, MaxDepth)
	}
	if err == nil {
		err = wire.Unmarshal(msgpack.NewReader(raw), msgpack.Writer{}, dst)
	}
	if err != nil {
		return fail(c, "unmarshal", err)
	}
	return nil
}

func (c msgPack) scalar(raw []byte) (wire.Token, error) {
	t, err := msgpack.ReadWhole(raw)
	if err != nil {
		err = fail(c, "unmarshal", err)
	}
	return t, err
}

func (msgPack) reader(raw []byte) (wire.Reader, error) {
	if err := msgpack.Check(raw, MaxDepth); err != nil {
		return nil, err
	}
	return msgpack.NewReader(raw), nil
}

func (msgPack) lossless() wire.Writer { return msgpack.Writer{} }

var msgPackJudge = wire.NewJudge(msgpack.Writer{})

// Judge implements [wire.Judged].
func (msgPack) Judge() *wire.Judge { return msgPackJudge }
