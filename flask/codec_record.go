package flask

import (
	"fmt"
	"iter"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/pickle"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// recordCodec writes one format and reads all. A field of a record in another
// format has raw bytes that say which: a mark and the codec's place in formats.
// No value in any format begins with the mark.
type recordCodec struct{ own codec.Codec }

const mark = 0xc1

// formats are the codecs that records are read with.
var (
	formats = [...]codec.Codec{codec.MsgPack, codec.JSON, pickled}
	pickled = pickle.Codec(4)
)

// formatOf returns the place in formats of what c reads; that of pickles does
// not depend on the protocol written.
func formatOf(c codec.Codec) byte {
	for i, f := range formats {
		if f.Name() == c.Name() {
			return byte(i)
		}
	}
	return byte(len(formats))
}

// Name implements [codec.Codec].
func (c recordCodec) Name() string { return c.own.Name() }

// Match implements [codec.Codec].
func (recordCodec) Match(data []byte) bool { return codec.Detect(data, formats[:]...) != nil }

// Split implements [codec.Codec].
func (c recordCodec) Split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	if c.own.Match(data) {
		return c.own.Split(dst, data)
	}
	from := codec.Detect(data, formats[:]...)
	if from == nil {
		return dst, fmt.Errorf("flask: split: %w: neither MessagePack, JSON nor pickle", codec.ErrMalformed)
	}
	fields, err := from.Split(dst, data)
	if err != nil {
		return dst, err
	}
	markAll(fields[len(dst):], formatOf(from))
	return fields, nil
}

// markAll marks the keys and values of fields.
func markAll(fields []codec.Field, format byte) {
	size := 0
	for i := range fields {
		size += 4 + len(fields[i].Key) + len(fields[i].Raw)
	}
	buf := make([]byte, 0, size)
	marked := func(b []byte) []byte {
		start := len(buf)
		buf = append(append(buf, mark, format), b...)
		return buf[start:len(buf):len(buf)]
	}
	for i := range fields {
		f := &fields[i]
		f.Key, f.Raw = marked(f.Key), marked(f.Raw)
	}
}

// unmark returns the codec that raw is in, and raw without its mark.
func (c recordCodec) unmark(raw []byte) (codec.Codec, []byte) {
	if len(raw) > 2 && raw[0] == mark && int(raw[1]) < len(formats) {
		return formats[raw[1]], raw[2:]
	}
	return c.own, raw
}

// Marshal implements [codec.Codec].
func (c recordCodec) Marshal(dst []byte, v any) ([]byte, error) {
	if c.own != codec.MsgPack {
		return c.own.Marshal(dst, v)
	}
	out, err := wire.Marshal(dst, forPython{}, v)
	if err != nil {
		return dst, fmt.Errorf("flask: marshal %s: %w", c.own.Name(), err)
	}
	return out, nil
}

var msgPackJudge = wire.NewJudge(forPython{})

// Judge implements [wire.Judged].
func (c recordCodec) Judge() *wire.Judge {
	if own, ok := c.own.(wire.Judged); ok && c.own != codec.MsgPack {
		return own.Judge()
	}
	return msgPackJudge
}

// Unmarshal implements [codec.Codec].
func (c recordCodec) Unmarshal(raw []byte, dst any) error {
	from, raw := c.unmark(raw)
	return from.Unmarshal(raw, dst)
}

// lister is what MessagePack and JSON have for lists, see package ledger.
type lister interface {
	Elements(dst [][2]uint32, raw []byte) ([][2]uint32, error)
	AppendList(dst []byte, n int, elements iter.Seq[[]byte]) []byte
}

// Elements appends to dst where each element of the list raw begins and ends,
// if raw is in our format, and that has its values side by side.
func (c recordCodec) Elements(dst [][2]uint32, raw []byte) ([][2]uint32, error) {
	if own, ok := c.own.(lister); ok && len(raw) > 0 && raw[0] != mark {
		return own.Elements(dst, raw)
	}
	return dst, fmt.Errorf("flask: %w: the list is not in %s", codec.ErrType, c.Name())
}

// AppendList appends to dst the list of n elements that Elements has found, or
// that are like them.
func (c recordCodec) AppendList(dst []byte, n int, elements iter.Seq[[]byte]) []byte {
	return c.own.(lister).AppendList(dst, n, elements)
}

// Join implements [codec.Codec].
func (c recordCodec) Join(dst []byte, fields []codec.Field) ([]byte, error) {
	theirs := c.foreign(fields)
	if theirs == nil {
		return c.own.Join(dst, fields)
	}
	out, err := c.joinAs(dst, c.own, fields)
	if err == nil {
		return out, nil
	}
	// It cannot be said in our format, or not be read: keep theirs.
	if out, theirErr := c.joinAs(dst, theirs, fields); theirErr == nil {
		return out, nil
	}
	return dst, err
}

// foreign returns the other format that is in fields, or nil. A value that was
// set anew is in our format, and may still have its key in theirs.
func (c recordCodec) foreign(fields []codec.Field) codec.Codec {
	for i := range fields {
		for _, raw := range [...][]byte{fields[i].Key, fields[i].Raw} {
			if from, _ := c.unmark(raw); from != c.own {
				return from
			}
		}
	}
	return nil
}

// joinAs joins fields of several formats in one.
func (c recordCodec) joinAs(dst []byte, to codec.Codec, fields []codec.Field) ([]byte, error) {
	same := make([]codec.Field, len(fields))
	for i := range fields {
		var err error
		if same[i], err = c.field(to, &fields[i]); err != nil {
			return dst, fmt.Errorf("flask: join: %w", err)
		}
	}
	out, err := to.Join(dst, same)
	if err != nil {
		return dst, err
	}
	// A key that is a number in one format may be another's text in the other.
	if back, err := to.Split(nil, out[len(dst):]); err != nil || len(back) != len(same) {
		return dst, fmt.Errorf("flask: join: %w: two names would be one in %s", codec.ErrType, to.Name())
	}
	return out, nil
}

// field returns f in the format to.
func (c recordCodec) field(to codec.Codec, f *codec.Field) (same codec.Field, err error) {
	same = codec.Field{Name: f.Name}
	if from, key := c.unmark(f.Key); f.Key != nil && formatOf(from) == formatOf(to) {
		same.Key = key
	} else if f.Name == nil {
		if same.Key, err = translate(wire.TranslateKey, to, from, key); err != nil {
			return same, err
		}
	}
	from, raw := c.unmark(f.Raw)
	if formatOf(from) == formatOf(to) {
		same.Raw = raw
		return same, nil
	}
	same.Raw, err = translate(wire.Translate, to, from, raw)
	return same, err
}
