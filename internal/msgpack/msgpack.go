// Package msgpack reads and writes MessagePack, byte for byte as Python's
// msgspec does: the shortest form of everything, float64 for floats, the
// timestamp extension for times.
//
// It knows nothing of Go's types; package wire does.
package msgpack

import (
	"fmt"

	"github.com/cloakroom/cloakroom/internal/wire"
)

// Extension codes.
const (
	// TimeCode is MessagePack's own code for timestamps.
	TimeCode int8 = -1
	// BigCode is our own code for integers beyond 64 bits, which MessagePack
	// lacks: one byte 0 for positive and 1 for negative numbers, then the
	// magnitude in big-endian order without leading zeros.
	BigCode int8 = 73
	// TextCode is our own code for strings that are not UTF-8, which a str of
	// MessagePack cannot be: their bytes.
	TextCode int8 = 74
)

// The first bytes of values. The fix forms hold a small number themselves.
const (
	codeFixMap    = 0x80
	codeFixList   = 0x90
	codeFixString = 0xa0
	codeNil       = 0xc0
	codeNever     = 0xc1
	codeFalse     = 0xc2
	codeTrue      = 0xc3
	codeBin8      = 0xc4
	codeBin16     = 0xc5
	codeBin32     = 0xc6
	codeExt8      = 0xc7
	codeExt16     = 0xc8
	codeExt32     = 0xc9
	codeFloat32   = 0xca
	codeFloat64   = 0xcb
	codeUint8     = 0xcc
	codeUint16    = 0xcd
	codeUint32    = 0xce
	codeUint64    = 0xcf
	codeInt8      = 0xd0
	codeInt16     = 0xd1
	codeInt32     = 0xd2
	codeInt64     = 0xd3
	codeFixExt1   = 0xd4
	codeFixExt2   = 0xd5
	codeFixExt4   = 0xd6
	codeFixExt8   = 0xd7
	codeFixExt16  = 0xd8
	codeString8   = 0xd9
	codeString16  = 0xda
	codeString32  = 0xdb
	codeList16    = 0xdc
	codeList32    = 0xdd
	codeMap16     = 0xde
	codeMap32     = 0xdf
	codeNegative  = 0xe0
)

var (
	errTruncated = fmt.Errorf("%w: it ends too early", wire.ErrMalformed)
	errTrailing  = fmt.Errorf("%w: more follows after the value", wire.ErrMalformed)
	errNever     = fmt.Errorf("%w: byte 0xc1 is never used", wire.ErrMalformed)
	errUTF8      = fmt.Errorf("%w: a string is not valid UTF-8", wire.ErrMalformed)
	errDepth     = fmt.Errorf("%w: nested too deeply", wire.ErrLimit)
)
