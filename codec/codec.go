// Package codec turns a session's values into the bytes of a record and back.
//
// A record is a dictionary of named values. It is indexed rather than
// decoded: [Codec.Split] finds the names and the raw bytes of each value, a
// value is decoded when it is asked for, and only changed values are encoded
// again. That makes reading one value nearly free, and it is what keeps the
// values of other programs byte for byte.
package codec

import "github.com/cloakroom/cloakroom/internal/wire"

// A Field is one named value of a record, in the bytes of its codec.
type Field struct {
	// Name is the field's name. It is nil if the record's key is not a string;
	// such a field cannot be asked for, and is kept as it is.
	Name []byte
	// Key is the name as the record spells it, kept so that a record is joined
	// with the spelling it had. It is nil for a field that did not come from
	// Split.
	Key []byte
	// Raw is the encoded value.
	Raw []byte
}

// A Codec is one format of records. Its methods are safe for concurrent use,
// never panic on hostile bytes, and allocate no more than a small multiple of
// the bytes they are given. The slices in a Field point into the record, which
// nobody changes.
type Codec interface {
	// Name is the codec's name in configurations and messages, such as
	// "msgpack" or "json".
	Name() string

	// Match reports whether data can be a record of this codec, by looking at
	// its first bytes only. At most one of the codecs that a program uses
	// should match.
	Match(data []byte) bool

	// Split appends the fields of the record data to dst, in the order in
	// which they stand there. Of two fields with the same name the later one
	// counts, in the place of the earlier one. The error matches
	// [ErrMalformed] or [ErrLimit].
	Split(dst []Field, data []byte) ([]Field, error)

	// Join appends to dst the record that consists of fields.
	Join(dst []byte, fields []Field) ([]byte, error)

	// Marshal appends to dst the encoding of one value. The error matches
	// [ErrType] if the codec has no way to write the value.
	Marshal(dst []byte, v any) ([]byte, error)

	// Unmarshal decodes one value into dst, a non-nil pointer. The error
	// matches [ErrType] if the value is not of dst's type, and ErrMalformed or
	// ErrLimit if it cannot be read at all; *dst may then be partly set.
	Unmarshal(raw []byte, dst any) error
}

// Errors that callers branch on, with errors.Is.
var (
	// ErrMalformed says that bytes do not follow their format.
	ErrMalformed = wire.ErrMalformed
	// ErrLimit says that data is larger, deeper or longer than allowed.
	ErrLimit = wire.ErrLimit
	// ErrType says that a value and a Go type do not fit each other.
	ErrType = wire.ErrType
)

// Limits that hold for every codec of this package, in both directions.
const (
	// MaxSize is the size of the largest record in bytes: 16 MiB.
	MaxSize = wire.MaxSize
	// MaxDepth is how deeply lists and dictionaries may be nested, the record
	// itself counted as the first level: 256.
	MaxDepth = wire.MaxDepth
	// MaxFields is how many fields a record may have: 65536.
	MaxFields = wire.MaxFields
)
