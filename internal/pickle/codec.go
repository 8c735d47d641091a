package pickle

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/wire"
)

// Codec returns the codec of records that are pickled dicts. It reads all
// protocols and writes the given one, which it panics on if there is no such.
//
// Go types are written and read by the rules of [codec.MsgPack], and those of
// package pyvalue as what they are in Python. A variable of type any gets
//
//	None                nil
//	bool                bool
//	int                 int64, else uint64, else *big.Int
//	float, complex      float64, complex128
//	str                 string
//	bytes               []byte
//	list                []any
//	dict                map[string]any, or map[any]any if a key is not a str
//	aware datetime      time.Time, in a zone without name
//	all else            the type of package pyvalue
//
// A time.Time is written as an aware datetime, cut off to microseconds.
//
// The bytes of a value that nobody changes are the same when its record is
// written again, unless Python had put one object into two values of the
// record: it is one object in each of them then.
func Codec(protocol int) codec.Codec {
	if protocol < 0 || protocol > HighestProtocol {
		panic(fmt.Sprintf("internal/pickle: there is no protocol %d", protocol))
	}
	return pickleCodec{protocol}
}

type pickleCodec struct{ protocol int }

// Name implements [codec.Codec].
func (pickleCodec) Name() string { return "pickle" }

// Match implements [codec.Codec]. From protocol 2 on a pickle begins with 0x80
// and the protocol, before that a dict begins with MARK or EMPTY_DICT: ( or }.
//
// That cannot be mistaken for another format. As MessagePack, 0x80 is an empty
// map, which ends there, while no pickle is a single byte; the other two are
// the numbers 40 and 125, and no map. JSON begins with white space or {.
func (pickleCodec) Match(data []byte) bool {
	return len(data) > 1 && (data[0] == opProto || data[0] == opMark || data[0] == opEmptyDict)
}

// Split implements [codec.Codec]. A name that holds half a surrogate pair cannot
// be asked for.
func (pickleCodec) Split(dst []codec.Field, data []byte) ([]codec.Field, error) {
	fields, err := Split(dst, data, Limits{})
	if err != nil {
		return dst, fmt.Errorf("pickle: split: %w", err)
	}
	return fields, nil
}

// Join implements [codec.Codec].
func (c pickleCodec) Join(dst []byte, fields []codec.Field) ([]byte, error) {
	if len(fields) > wire.MaxFields {
		return dst, fmt.Errorf("pickle: join: %w: %d fields, at most %d are allowed", ErrLimit, len(fields), wire.MaxFields)
	}
	for _, f := range fields {
		switch {
		case f.Name == nil && f.Key == nil:
			return dst, fmt.Errorf("pickle: join: %w: a field has no name", ErrValue)
		case len(f.Raw) == 0:
			return dst, fmt.Errorf("pickle: join: %w: a field has no value", ErrValue)
		case f.Key == nil && !utf8.Valid(f.Name):
			return dst, fmt.Errorf("pickle: join: %w: a name is not valid UTF-8", ErrValue)
		}
	}
	dst, err := Join(dst, fields, c.protocol)
	if err != nil {
		err = fmt.Errorf("pickle: join: %w", err)
	}
	return dst, err
}

// Marshal implements [codec.Codec].
func (pickleCodec) Marshal(dst []byte, v any) ([]byte, error) {
	value, err := valueOf(v)
	if err == nil {
		dst, err = Append(dst, value, partProtocol)
	}
	if err != nil {
		err = fmt.Errorf("pickle: marshal: %w", err)
	}
	return dst, err
}

// valueOf returns the Value that a Go value is written as.
func valueOf(v any) (Value, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case int:
		return int64(v), nil
	case string:
		if utf8.ValidString(v) {
			return v, nil
		}
	}
	data, err := wire.Marshal(Begin(), Writer{}, v)
	if err != nil {
		return nil, err
	}
	return finish(data)
}

// finish returns the value of what a Writer has appended to a pickle's
// beginning.
func finish(data []byte) (Value, error) {
	v, err := Unmarshal(append(data, opStop), Limits{})
	if errors.Is(err, ErrMalformed) { // the only mistake that Writer cannot see
		return nil, fmt.Errorf("%w: what cannot be a key in Python is a key, or in a set", ErrValue)
	}
	return v, err
}

// Unmarshal implements [codec.Codec].
func (pickleCodec) Unmarshal(raw []byte, dst any) error {
	v, err := Unmarshal(raw, Limits{})
	if err == nil && !assign(dst, v) {
		err = wire.Unmarshal(NewReader(v), Writer{}, dst)
	}
	if err != nil {
		return fmt.Errorf("pickle: unmarshal: %w", err)
	}
	return nil
}

// assign is the short way for the most frequent types.
func assign(dst any, v Value) bool {
	switch p := dst.(type) {
	case *string:
		if s, ok := v.(string); ok && p != nil {
			*p = s
			return true
		}
	case *int64:
		if n, ok := v.(int64); ok && p != nil {
			*p = n
			return true
		}
	case *bool:
		if b, ok := v.(bool); ok && p != nil {
			*p = b
			return true
		}
	}
	return false
}

// Open returns a reader of the pickle raw, for conversions.
func Open(raw []byte) (*Reader, error) {
	v, err := Unmarshal(raw, Limits{})
	if err != nil {
		return nil, err
	}
	return NewReader(v), nil
}

// Close returns the pickle of the one value that a [Writer] has appended to
// what Begin returned.
func Close(data []byte) ([]byte, error) {
	v, err := finish(data)
	if err != nil {
		return nil, err
	}
	return Append(nil, v, partProtocol)
}

// Begin returns the beginning of a pickle.
func Begin() []byte { return []byte{opProto, partProtocol} }

var judge = wire.NewJudge(Writer{})

// Judge implements [wire.Judged].
func (pickleCodec) Judge() *wire.Judge { return judge }
