// Package wire is what the formats of values have in common: their errors
// and limits, the tokens they read, the pieces they write, and the one
// conversion between those and Go variables.
//
// A format brings a [Reader] and a [Writer]; [Marshal], [Unmarshal] and
// [Convert] do the rest, so that every format treats Go types alike.
package wire

import "errors"

// Errors that callers branch on. Package codec hands them on.
var (
	// ErrMalformed says that bytes do not follow their format.
	ErrMalformed = errors.New("malformed data")
	// ErrLimit says that data is larger, deeper or longer than allowed.
	ErrLimit = errors.New("limit exceeded")
	// ErrType says that a value and a Go type do not fit each other.
	ErrType = errors.New("type mismatch")
)

// Limits that hold for every format, in both directions.
const (
	// MaxSize is the size of the largest record in bytes.
	MaxSize = 16 << 20
	// MaxDepth is how deeply lists and maps may be nested, the record itself
	// counted as the first level.
	MaxDepth = 256
	// MaxFields is how many fields a record may have.
	MaxFields = 1 << 16

	// MaxValueDepth is the depth a single value may be written with. It leaves
	// room for the record around it.
	MaxValueDepth = MaxDepth - 1

	// MaxMemory is how much a decoded value may take in memory, by estimate.
	// A map takes a hundred times its bytes in the worst case, which is too
	// much for a record of the largest size.
	MaxMemory = 16 * MaxSize

	// MaxBigDigits is how many decimal digits an integer may have, as in
	// Python: reading and printing them takes quadratic time.
	MaxBigDigits = 4300
	// MaxBigBits is the same limit in bits, rounded down.
	MaxBigBits = 14284
)

// An Ext is a MessagePack extension value: a type code and bytes that only
// those who gave the code a meaning can read.
type Ext struct {
	Code int8
	Data []byte
}

// A methodError is the failure of a method that a type brought along. Its text
// leaves out the cause, which may quote the value; errors.Is and errors.As
// find it.
type methodError struct {
	text  string
	cause error
}

func (e *methodError) Error() string   { return ErrType.Error() + ": " + e.text }
func (e *methodError) Unwrap() []error { return []error{ErrType, e.cause} }
